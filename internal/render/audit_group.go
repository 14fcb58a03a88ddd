package render

import (
	"fmt"
	"slices"
)

// A browser lays a table out as a whole. Long ones are shown as several, so that what is off the screen costs nothing.
const (
	mostEntries = 200 // in one table
	mostLives   = 100
)

// entryGroup is a table of entries of one month, or of a part of it.
type entryGroup struct {
	Name    string
	Entries []pageEntry
}

// lifeGroup is a table of certificates, by their numbers.
type lifeGroup struct {
	From, To int
	Lives    []pageLife
}

func groupEntries(entries []pageEntry) []entryGroup {
	var out []entryGroup
	for len(entries) > 0 {
		month := entries[0].At.UTC().Format("January 2006")
		n := slices.IndexFunc(entries, func(e pageEntry) bool { return e.At.UTC().Format("January 2006") != month })
		if n < 0 {
			n = len(entries)
		}
		n = min(n, mostEntries)
		name := fmt.Sprintf("%s, entries %d to %d", month, entries[0].N, entries[n-1].N)
		if n == 1 {
			name = fmt.Sprintf("%s, entry %d", month, entries[0].N)
		}
		out = append(out, entryGroup{name, entries[:n]})
		entries = entries[n:]
	}
	return out
}

func groupLives(lives []pageLife) []lifeGroup {
	var out []lifeGroup
	for part := range slices.Chunk(lives, mostLives) {
		out = append(out, lifeGroup{part[0].N, part[len(part)-1].N, part})
	}
	return out
}
