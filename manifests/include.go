package manifests

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"dcsync/internal/diag"
	"dcsync/internal/pki"
	"dcsync/internal/resource"
	"dcsync/schema"
)

// maxIncluded is the largest file that {file: …} may name.
const maxIncluded = 1 << 20

// include gives a document's value with the content of the files it names in their place, and secrets as resource.SecretRef; false
// when there are none. A secret's file is not opened: that is done when the secret is sent.
func (l *loader) include(d *document) (resource.Map, bool) {
	if d.desc == nil {
		return nil, false
	}
	value := d.value.Clone()
	changed := false
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
		case isMap && !d.faulty(at):
			if with := l.standsFor(d, at, m, isSecret); with != nil {
				changed = true
				return with
			}
		}
		return v
	}
	walk(d.desc.Root, value["spec"], specPath, false)
	return value, changed
}

// faulty tells whether something at or below a path was refused.
func (d *document) faulty(at resource.Path) bool {
	for p := range d.refused {
		if p.Under(at) {
			return true
		}
	}
	return slices.ContainsFunc(d.found, func(v schema.Violation) bool { return v.Severity == diag.Error && v.Path.Under(at) })
}

// standsFor gives what {file: …} or {env: …} stands for in a scalar field; nil when it is neither or, which is reported, unusable.
func (l *loader) standsFor(d *document, at resource.Path, m resource.Map, isSecret bool) resource.Value {
	if len(m) != 1 {
		return nil
	}
	if env, ok := m["env"].(resource.String); ok && isSecret {
		return resource.SecretRef{Env: string(env)}
	}
	file, ok := m["file"].(resource.String)
	if !ok {
		return nil
	}
	name, err := beside(d.src.name, string(file))
	if err == nil && isSecret {
		return resource.SecretRef{File: name}
	}
	var data []byte
	if err == nil {
		data, err = l.folder.content(name, maxIncluded)
	}
	if err == nil && !utf8.Valid(data) {
		err = errors.New("is not UTF-8 text")
	}
	f := diag.Diagnostic{Severity: diag.Error, Code: diag.ReferencedFile, Pos: d.valuePos(at.Child("file")), Path: string(shortPath(at))}
	switch {
	case err == nil && pki.ContainsPrivateKey(string(data)):
		f = privateKey()
		f.Pos, f.Path = d.valuePos(at.Child("file")), string(shortPath(at))
		f.Summary = fmt.Sprintf("the file %s holds a private key", name)
		l.add(d, f)
		return nil
	case err == nil:
		d.included[at] = name
		return resource.String(data)
	case errors.Is(err, errSize):
		f.Summary, f.Hint = fmt.Sprintf("the file %s is larger than 1 MiB", name), "name the right file"
	case isLink(err):
		f.Code = diag.PathEscapes
		f.Summary, f.Hint = fmt.Sprintf("the file %s %v", file, err), "keep the file itself in the project and write its path relative to this manifest"
	default:
		f.Summary, f.Hint = fmt.Sprintf("the file %s %v", name, err), "the path is relative to this manifest's folder"
	}
	l.add(d, f)
	return nil
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
