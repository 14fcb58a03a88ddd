package term

// Style is a way to show a piece of text.
type Style string

// The styles, as SGR parameters.
const (
	Bold   Style = "1"
	Dim    Style = "2"
	Red    Style = "31"
	Green  Style = "32"
	Yellow Style = "33"
	Cyan   Style = "36"
)

// ClearLine moves to the start of a terminal's line and empties it.
const ClearLine = "\r\x1b[K"

// Paint gives the text in a style, or as it is where the stream takes no colour.
func (s *Stream) Paint(style Style, text string) string {
	if !s.colour || style == "" || text == "" {
		return text
	}
	return "\x1b[" + string(style) + "m" + text + "\x1b[0m"
}
