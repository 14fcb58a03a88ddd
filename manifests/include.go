package manifests

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/internal/secret"
	"dcsync/schema"
)

// maxIncluded is the largest file that {file: …} may name.
const maxIncluded = 1 << 20

// include puts the content of the files a document names in their place, and a resource.SecretRef in place of secrets. What is not
// written as it should be is left for the table to refuse. A secret's file is not opened: that is done when the secret is sent.
func (l *loader) include(d *document) {
	if d.desc == nil {
		return
	}
	var walk func(f *resource.Field, v resource.Value, at resource.Path, isSecret bool) resource.Value
	walk = func(f *resource.Field, v resource.Value, at resource.Path, isSecret bool) resource.Value {
		isSecret = isSecret || f.Secret
		m, isMap := v.(resource.Map)
		list, isList := v.(resource.List)
		switch {
		case isMap && f.Type == resource.TypeObject:
			for _, member := range f.Members {
				if _, ok := m[member.Name]; ok {
					m[member.Name] = walk(member, m[member.Name], at.Child(member.Name), isSecret)
				}
			}
		case isList && f.Item != nil:
			for i := range list {
				list[i] = walk(f.Item, list[i], at.Index(i), isSecret)
			}
		case isMap && (isSecret || f.File) && !d.faulty(at):
			if with := l.standsFor(d, at, m, isSecret); with != nil {
				return with
			}
		}
		return v
	}
	walk(d.desc.Root, d.value["spec"], specPath, false)
}

// faulty tells whether something at or below a path was refused.
func (d *document) faulty(at resource.Path) bool {
	for p := range d.refused {
		if p.Under(at) {
			return true
		}
	}
	return false
}

// standsFor gives what {file: …} or {env: …} stands for in a scalar field; nil when it is neither or, which is reported, unusable.
func (l *loader) standsFor(d *document, at resource.Path, m resource.Map, isSecret bool) resource.Value {
	if len(m) != 1 {
		return nil
	}
	if env, ok := m["env"].(resource.String); ok && isSecret && schema.IsVariable(string(env)) {
		return resource.SecretRef{Env: string(env)}
	}
	file, ok := m["file"].(resource.String)
	if !ok || file == "" {
		return nil
	}
	name, err := beside(d.src.name, string(file))
	if err == nil {
		l.named[name] = true
	}
	if err == nil && isSecret {
		return resource.SecretRef{File: name}
	}
	var text string
	if err == nil {
		text, err = l.folder.content(name, maxIncluded)
	}
	if err == nil && !utf8.ValidString(text) {
		err = errors.New("is not UTF-8 text")
	}
	f := diag.Diagnostic{Severity: diag.Error, Code: diag.ReferencedFile, Pos: d.valuePos(at.Child("file")), Path: string(shortPath(at))}
	switch {
	case err == nil && l.holdsKey(text):
		f = privateKey()
		f.Pos, f.Path = d.valuePos(at.Child("file")), string(shortPath(at))
		f.Summary = fmt.Sprintf("the file %s holds a private key", name)
		l.add(d, f)
		return nil
	case err == nil:
		d.included[at] = name
		return resource.String(text)
	case errors.Is(err, errSize):
		f.Summary, f.Hint = fmt.Sprintf("the file %s is larger than 1 MiB", name), "name the right file"
	case isLink(err):
		f.Code = diag.PathEscapes
		shown := string(file)
		if isSecret {
			shown = secret.Redacted
		}
		f.Summary, f.Hint = fmt.Sprintf("the file %s %v", shown, err), "keep the file itself in the project and write its path relative to this manifest"
	default:
		f.Summary, f.Hint = fmt.Sprintf("the file %s %v", name, err), "the path is relative to this manifest's folder"
	}
	l.add(d, f)
	return nil
}

// holdsKey tells whether a file holds a private key. Many manifests may name one file, which is searched once.
func (l *loader) holdsKey(text string) bool {
	held, known := l.keyed[text]
	if !known {
		held = pki.ContainsPrivateKey(text)
		l.keyed[text] = held
	}
	return held
}

// beside gives the name of a file that is named relative to a manifest.
func beside(manifest, file string) (string, error) {
	if filepath.IsAbs(filepath.FromSlash(file)) || path.IsAbs(file) {
		return "", errEscapes
	}
	name := path.Join(path.Dir(manifest), file)
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", errEscapes
	}
	return name, nil
}
