package gitrepo

// User gives the identity that git would commit with: user.name and user.email of the repository, the user or the machine. What is
// not configured is "".
func (r *Repo) User(a Access) (Identity, error) {
	conf, err := r.config(a)
	if err != nil {
		return Identity{}, err
	}
	var id Identity
	id.Name, _ = conf.last("user", "", "name")
	id.Email, _ = conf.last("user", "", "email")
	return id, nil
}
