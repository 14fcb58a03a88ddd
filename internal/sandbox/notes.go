package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// Notes of an order (services API document, notes; API facts, section 9). They
// are added and deleted, never changed; two equal posts are two notes.

func (c *call) listNotes() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	list := newestFirst(o.Notes)
	if list == nil {
		list = []note{}
	}
	return ok(map[string]any{"notes": list})
}

func (c *call) addNote() reply {
	o, f, out := c.orderForm()
	if o == nil {
		return out
	}
	text := f.need("text", 0)
	if out, refused := f.refused(); refused {
		return out
	}
	n := note{ID: c.acct.nextID("note"), DateCreated: stamp(c.now()), Text: text, User: c.user.ref()}
	o.Notes = append(o.Notes, n)
	return created(n)
}

func (c *call) deleteNote() reply {
	o, out := c.theOrder()
	if o == nil {
		return out
	}
	id, _ := strconv.Atoi(c.params["note_id"])
	i := slices.IndexFunc(o.Notes, func(n note) bool { return n.ID == id })
	if i < 0 {
		return fail(http.StatusNotFound, "not_found|note", "There is no such note")
	}
	o.Notes = slices.Delete(o.Notes, i, i+1)
	return noContent
}
