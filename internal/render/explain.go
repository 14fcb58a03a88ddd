package render

import (
	"fmt"
	"io"
	"strings"

	"dcsync/internal/term"
	"dcsync/schema"
)

// ExplanationText writes what is known of a kind or field.
func ExplanationText(s *term.Stream, e schema.Explanation) error {
	var b strings.Builder
	b.WriteString(s.Paint(term.Bold, e.Path))
	if e.Title != "" {
		b.WriteString(": " + e.Title)
	}
	b.WriteByte('\n')
	if e.Text != "" {
		b.WriteString("\n" + e.Text + "\n")
	}
	for _, v := range e.Variants {
		variantText(&b, s, v)
	}
	if len(e.Members) > 0 {
		b.WriteString("\nFields:\n")
		for _, m := range e.Members {
			fmt.Fprintf(&b, "  %s (%s, %s)%s\n", s.Paint(term.Bold, m.Name), m.Type, m.Req, onlyFor(m.Products))
			if m.Text != "" {
				fmt.Fprintf(&b, "      %s\n", m.Text)
			}
		}
	}
	_, err := io.WriteString(s, b.String())
	return err
}

func variantText(b *strings.Builder, s *term.Stream, v schema.Variant) {
	b.WriteByte('\n')
	if len(v.Products) > 0 {
		b.WriteString(s.Paint(term.Cyan, "For "+strings.Join(v.Products, ", ")) + "\n")
	}
	if v.Text != "" {
		fmt.Fprintf(b, "  %s\n", v.Text)
	}
	allowed := strings.Join(v.Allowed, ", ")
	if allowed != "" && v.Topic != "" {
		allowed += " (glossary: " + v.Topic + ")"
	}
	for _, line := range []struct{ name, text string }{
		{"type", v.Type}, {"given", v.Req}, {"allowed", allowed}, {"default", v.Default}, {"sent", v.Send}, {"shown", v.Read}, {"change", v.Change},
	} {
		if line.text != "" {
			fmt.Fprintf(b, "  %-8s %s\n", line.name+":", line.text)
		}
	}
	for _, r := range v.Rules {
		fmt.Fprintf(b, "  - %s\n", r)
	}
}

func onlyFor(products []string) string {
	if len(products) == 0 {
		return ""
	}
	return ", only for " + strings.Join(products, ", ")
}

type variantJSON struct {
	Products []string `json:"products"` // null: all
	Text     string   `json:"text"`
	Type     string   `json:"type"`
	Required string   `json:"required"`
	Rules    []string `json:"rules"`
	Allowed  []string `json:"allowed"`
	Topic    *string  `json:"topic"`
	Default  *string  `json:"default"`
	Change   string   `json:"change"`
	Send     string   `json:"send"`
	Read     string   `json:"read"`
}

type memberJSON struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Required string   `json:"required"`
	Text     string   `json:"text"`
	Products []string `json:"products"` // null: all
}

// ExplanationJSON writes the document of explain.
func ExplanationJSON(w io.Writer, e schema.Explanation, version string) error {
	variants := []variantJSON{}
	for _, v := range e.Variants {
		variants = append(variants, variantJSON{
			Products: v.Products, Text: v.Text, Type: v.Type, Required: v.Req, Rules: orEmpty(v.Rules), Allowed: orEmpty(v.Allowed),
			Topic: orNil(v.Topic), Default: orNil(v.Default), Change: v.Change, Send: v.Send, Read: v.Read,
		})
	}
	members := []memberJSON{}
	for _, m := range e.Members {
		members = append(members, memberJSON{Name: m.Name, Type: m.Type, Required: m.Req, Text: m.Text, Products: m.Products})
	}
	return encode(w, struct {
		header
		Path     string        `json:"path"`
		Title    string        `json:"title"`
		Text     string        `json:"text"`
		Variants []variantJSON `json:"variants"`
		Members  []memberJSON  `json:"members"`
	}{newHeader(version), e.Path, e.Title, e.Text, variants, members})
}
