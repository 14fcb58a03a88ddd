package sandbox

import (
	"slices"
	"strconv"
	"strings"
)

// Custom order fields (glossary, Custom order field input types; API facts,
// section 8).

func (c *call) metadata(id int) *metadata {
	i := slices.IndexFunc(c.acct.Metadata, func(m metadata) bool { return m.ID == id && m.IsActive })
	if i < 0 {
		return nil
	}
	return &c.acct.Metadata[i]
}

// fits checks a value against the type of its field.
func (m *metadata) fits(value string) bool {
	switch m.DataType {
	case "int":
		_, err := strconv.Atoi(value)
		return err == nil
	case "email_address":
		return isEmail(value)
	case "email_list":
		seen := map[string]bool{}
		for _, part := range strings.Split(value, ",") {
			part = strings.TrimSpace(part)
			if !isEmail(part) || seen[part] {
				return false
			}
			seen[part] = true
		}
	}
	return true
}

// customField reads one {metadata_id, value}.
func (c *call) customField(f form) (customField, bool) {
	id, given := f.id("metadata_id")
	if !given {
		if !f.has("metadata_id") {
			f.missing("metadata_id")
		}
		return customField{}, false
	}
	value := f.digits("value").need("value", 0)
	m := c.metadata(id)
	switch {
	case m == nil:
		f.bad("metadata_id", "there is no active custom field %d", id)
	case value != "" && !m.fits(value):
		f.add("invalid_custom_field_value", "%s does not take this value", m.Label)
	case value != "":
		return customField{MetadataID: id, Label: m.Label, Value: value}, true
	}
	return customField{}, false
}

func (p *placing) readCustomFields() {
	list, given := p.objects("custom_fields")
	if p.has("custom_fields") && !given {
		return
	}
	for _, item := range list {
		if field, ok := p.customField(item); ok {
			p.order.setField(field)
		}
	}
	for _, m := range p.acct.Metadata {
		if m.IsRequired && m.IsActive && !p.order.hasField(strconv.Itoa(m.ID)) {
			p.missing("custom_fields")
		}
	}
}

// setField sets or overwrites one value.
func (o *order) setField(field customField) {
	i := slices.IndexFunc(o.CustomFields, func(f customField) bool { return f.MetadataID == field.MetadataID })
	if i < 0 {
		o.CustomFields = append(o.CustomFields, field)
	} else {
		o.CustomFields[i] = field
	}
}

func (c *call) postCustomField() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	field, _ := c.customField(f)
	if out, refused := f.refused(); refused {
		return out
	}
	o.setField(field)
	return noContent
}
