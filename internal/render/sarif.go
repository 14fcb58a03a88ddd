package render

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/url"
	"slices"

	"dcsync/internal/diag"
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// The parts of SARIF 2.1.0 that findings need.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID diag.Code `json:"id"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       diag.Code         `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		ID       int            `json:"id,omitempty"`
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifText     `json:"message,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI    string `json:"uri"`
		BaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn,omitempty"`
	}
	sarifLogical struct {
		Name string `json:"fullyQualifiedName"`
	}
)

// ValidationSARIF writes findings as a log of SARIF 2.1.0, which code scanning services read. root is the project's folder inside the
// repository, "" when they are the same: paths count from the repository.
func ValidationSARIF(w io.Writer, v Validation, root, version string) error {
	rules, results := []sarifRule{}, []sarifResult{}
	for _, d := range v.Findings.Sorted() {
		at := slices.Index(rules, sarifRule{d.Code})
		if at < 0 {
			at = len(rules)
			rules = append(rules, sarifRule{d.Code})
		}
		r := sarifResult{RuleID: d.Code, RuleIndex: at, Level: string(d.Severity), Message: sarifText{sarifMessage(d)}, Fingerprints: fingerprint(d)}
		if d.Pos.Known() {
			l := sarifPlace(root, d.Pos)
			if d.Address != "" {
				l.Logical = []sarifLogical{{d.Address + d.Path}}
			}
			r.Locations = []sarifLocation{l}
		}
		for i, rel := range d.Related {
			if rel.Pos.Known() {
				l := sarifPlace(root, rel.Pos)
				l.ID, l.Message = i+1, &sarifText{clean(rel.Message)}
				r.Related = append(r.Related, l)
			}
		}
		results = append(results, r)
	}
	return encode(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{{
		Tool:       sarifTool{sarifDriver{Name: "dcsync", Version: version, Rules: rules}},
		ColumnKind: "unicodeCodePoints",
		Results:    results,
	}}})
}

func sarifMessage(d diag.Diagnostic) string {
	text := clean(d.Summary) + "."
	if d.Detail != "" {
		text += " " + clean(d.Detail)
	}
	if d.Hint != "" {
		text += " Hint: " + clean(d.Hint)
	}
	return text
}

func sarifPlace(root string, p diag.Pos) sarifLocation {
	uri := url.URL{Path: inRepository(root, p.File)}
	l := sarifLocation{Physical: sarifPhysical{Artifact: sarifArtifact{URI: uri.String(), BaseID: "%SRCROOT%"}}}
	if p.Line > 0 {
		l.Physical.Region = &sarifRegion{Line: p.Line, Column: p.Column}
	}
	return l
}

// fingerprint says whether two findings of different runs are the same one: lines move, fields do not.
func fingerprint(d diag.Diagnostic) map[string]string {
	sum := sha256.Sum256([]byte(string(d.Code) + "\n" + d.Pos.File + "\n" + d.Address + "\n" + d.Path + "\n" + d.Summary))
	return map[string]string{"dcsyncFinding/v1": hex.EncodeToString(sum[:])}
}
