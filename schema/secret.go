package schema

import "regexp"

// variable matches the name of an environment variable as {env: NAME} takes it. Whoever writes a secret where its name belongs, such
// as the digits of a card, is told so.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// IsVariable tells whether a text may stand in {env: NAME}.
func IsVariable(name string) bool { return variable.MatchString(name) }
