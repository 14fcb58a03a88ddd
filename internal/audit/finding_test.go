package audit_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dcsync/internal/audit"
	"dcsync/internal/gitrepo"
	"dcsync/internal/resource"
	"dcsync/reconcile"
	"dcsync/state"
)

// newKey makes an SSH key and gives its file and its line for allowed_signers.
func newKey(t *testing.T, who string) (file, line string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", file).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return file, who + " " + string(public)
}

const signers = ".dcsync/allowed_signers"

// signedWorld is one where Ann signs, and is trusted from the second commit on.
func signedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "")
	w.commit("ask")
	file, line := newKey(t, "ann@example.com")
	w.write(signers, line)
	w.commit("trust Ann")
	w.key = file
	w.apply()
	return w
}

func (w *world) ticket(n string) {
	w.Helper()
	text := w.read("manifests/orders/alice-mail.yaml")
	i := strings.Index(text, "ticket HR-") + len("ticket HR-")
	w.write("manifests/orders/alice-mail.yaml", text[:i]+n+text[i+1:])
}

// TestSignatures: who may ask for certificates says so by a signature, and so does who merges.
func TestSignatures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant   func(*world)
		want    []string
		verdict gitrepo.Verdict // of the last entry that is no deed of dcsync
	}{
		"signed":   {func(w *world) { w.ticket("8"); w.commit("change") }, nil, gitrepo.Good},
		"unsigned": {func(w *world) { w.key = ""; w.ticket("8"); w.commit("change") }, []string{"DC3007 warning Order/alice-mail"}, gitrepo.Unsigned},
		"elsewhere": {func(w *world) {
			w.ticket("8")
			w.commit("change")
			w.apply()
			w.key = ""
			w.write("README", "hello")
			w.commit("no manifest")
		}, nil, gitrepo.Good},
		"unknown key": {func(w *world) { w.key, _ = newKey(w.T, "eve@example.com"); w.ticket("8"); w.commit("change") }, []string{"DC3008 warning Order/alice-mail"}, gitrepo.UnknownKey},
		"bad": {func(w *world) {
			w.ticket("8")
			w.commit("change")
			w.amend("change", "something else")
		}, []string{"DC3009 error Order/alice-mail"}, gitrepo.Bad},
		"merged unsigned": {func(w *world) {
			w.git("checkout", "-q", "-b", "side")
			w.ticket("8")
			w.commit("change")
			w.git("checkout", "-q", "main")
			w.git("merge", "-q", "--no-ff", "-m", "merge", "side")
		}, []string{"DC3007 warning Order/alice-mail"}, gitrepo.Unsigned},
		"several": {func(w *world) {
			w.key = ""
			w.edit("manifests/contacts/people.yaml", "801-555-0101", "801-555-0103")
			w.ticket("8")
			w.commit("change two")
		}, []string{"DC3007 warning"}, gitrepo.Unsigned},
		"state signed by nobody": {func(w *world) { w.renew(order); w.land() }, nil, gitrepo.Unsigned},
		"state that has to be signed": {func(w *world) {
			w.edit("dcsync.yaml", "  settle: 0s", "  git: {sign: ssh}\n  settle: 0s")
			w.commit("sign the state from now on")
			w.renew(order)
			w.land()
		}, []string{"DC3007 warning", "DC3007 warning"}, gitrepo.Unsigned},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := signedWorld(t)
			tc.plant(w)
			r := w.audit()
			var got []string
			for _, f := range findings(r) {
				if !strings.HasPrefix(f, "DC3003") {
					got = append(got, f)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
			last := r.Entries[len(r.Entries)-1]
			for _, e := range r.Entries {
				if e.Event == audit.Changed {
					last = e
				}
			}
			if last.Signature.Verdict != tc.verdict {
				t.Errorf("entry %+v", last)
			}
		})
	}
}

// amend rewrites the message of the newest commit and keeps its signature.
func (w *world) amend(old, now string) {
	w.Helper()
	raw := w.git("cat-file", "commit", "HEAD") + "\n"
	cmd := exec.Command("git", "hash-object", "-t", "commit", "-w", "--stdin")
	cmd.Dir, cmd.Stdin = w.dir, strings.NewReader(strings.Replace(raw, "\n\n"+old, "\n\n"+now, 1))
	out, err := cmd.Output()
	if err != nil {
		w.Fatal(err)
	}
	w.git("update-ref", "HEAD", strings.TrimSpace(string(out)))
}

// TestTrustChanged: whose signatures count is changed by those only whose signatures counted.
func TestTrustChanged(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plant func(*world)
		want  []string
	}{
		"by Ann": {func(w *world) {
			_, line := newKey(w.T, "bob@example.com")
			w.write(signers, w.read(signers)+line)
			w.commit("trust Bob")
		}, nil},
		"by Bob himself": {func(w *world) {
			file, line := newKey(w.T, "bob@example.com")
			w.write(signers, w.read(signers)+line)
			w.key = file
			w.commit("trust Bob")
		}, []string{"DC3010 error"}},
		"unsigned": {func(w *world) { w.key = ""; w.write(signers, w.read(signers)+"# hello\n"); w.commit("say hello") }, []string{"DC3010 error"}},
		"by settings": {func(w *world) {
			_, line := newKey(w.T, "eve@example.com")
			w.key = ""
			w.write("keys/eve", line)
			w.edit("dcsync.yaml", "  settle: 0s", "  trust: {allowed_signers: keys/eve}\n  settle: 0s")
			w.commit("trust Eve")
		}, []string{"DC3010 error"}},
		"other settings":           {func(w *world) { w.edit("dcsync.yaml", "  settle: 0s", "  settle: 1s"); w.commit("settle") }, nil},
		"other settings, unsigned": {func(w *world) { w.key = ""; w.edit("dcsync.yaml", "  settle: 0s", "  settle: 1s"); w.commit("settle") }, []string{"DC3007 warning"}},
		"from before anybody was trusted": {func(w *world) {
			first := w.git("rev-list", "--max-parents=0", "HEAD")
			key, line := newKey(w.T, "eve@example.com")
			w.git("checkout", "-q", "-b", "side", first)
			w.key = key
			w.write(signers, line)
			w.commit("trust Eve")
			w.git("checkout", "-q", "main")
			_, _ = w.gitErr("merge", "-q", "--no-ff", "-X", "theirs", "-m", "merge", "side")
		}, []string{"DC3010 error"}},
		"taken back by a merge": {func(w *world) {
			w.git("checkout", "-q", "-b", "side")
			w.ticket("8")
			w.commit("change on the side")
			w.git("checkout", "-q", "main")
			was := w.read(signers)
			_, line := newKey(w.T, "bob@example.com")
			w.write(signers, w.read(signers)+line)
			w.commit("trust Bob")
			w.clock = w.clock.Add(time.Hour)
			w.git("merge", "-q", "--no-ff", "--no-commit", "side")
			w.write(signers, was)
			w.commit("merge")
			w.apply()
		}, []string{"DC3010 error"}},
		"keys that cannot be read": {func(w *world) { w.write(signers, "ann@example.com nonsense\n"); w.commit("oops") }, []string{"DC3010 error"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := signedWorld(t)
			tc.plant(w)
			if r := w.audit(); cmp.Diff(tc.want, findings(r)) != "" {
				t.Errorf("(-want +got)\n%s\n%s", cmp.Diff(tc.want, findings(r)), textOf(r))
			}
		})
	}
}

// TestPresent: what is not as it should be now, by git alone.
func TestPresent(t *testing.T) {
	t.Parallel()
	const csr = "manifests/orders/installer.csr"
	renewing := func(w *world, text string) {
		w.edit("manifests/orders/installer-signing.yaml", "spec:\n", "lifecycle: {renew_before: "+text+"}\nspec:\n")
		w.commit("renew by itself")
		w.apply()
	}
	year := begins.AddDate(1, 0, 0)
	for name, tc := range map[string]struct {
		plant func(*world)
		now   time.Time // zero: an hour after the last commit
		want  []string
		text  string
	}{
		"asked for and not applied": {func(w *world) {
			w.write("manifests/orders/bob-mail.yaml", strings.NewReplacer("alice", "bob", "Alice", "Bob").Replace(w.read("manifests/orders/alice-mail.yaml")))
			w.commit("ask for another")
		}, begins.AddDate(0, 0, 10), []string{"DC3003 warning Order/bob-mail"}, "was asked for on 2026-03-01 and that was not applied for 9 days"},
		"applied, and its record lost with the file": {func(w *world) {
			w.only(order)
			w.clock = begins.AddDate(0, 0, 6)
			w.remove(stateName)
			w.commit("oops")
		}, begins.AddDate(0, 0, 10), []string{"DC3005 error", "DC3003 warning " + order, "DC3003 warning " + organization},
			order + " was applied, but its record was taken out of the state on 2026-03-07 and it was not applied again for 3 days"},
		"applied, and its record taken out": {func(w *world) {
			w.clock = begins.AddDate(0, 0, 6)
			w.forge(func(f *state.File) { delete(f.Objects, address(order)) })
		}, begins.AddDate(0, 0, 10), []string{"DC3003 warning " + order}, "taken out of the state on 2026-03-07 and it was not applied again for 3 days"},
		"changed, not applied, and its record taken out": {func(w *world) {
			w.ticket("8")
			w.commit("change")
			w.clock = begins.AddDate(0, 0, 6)
			w.forge(func(f *state.File) { delete(f.Objects, address("Order/alice-mail")) })
		}, begins.AddDate(0, 0, 10), []string{"DC3003 warning Order/alice-mail"}, "was asked for on 2026-03-01 and that was not applied for 9 days"},
		"given up, and asked for again": {func(w *world) {
			text := w.read("manifests/orders/alice-mail.yaml")
			w.remove("manifests/orders/alice-mail.yaml")
			w.commit("enough")
			w.apply()
			w.clock = begins.AddDate(0, 0, 6)
			w.write("manifests/orders/alice-mail.yaml", text)
			w.commit("not enough")
		}, begins.AddDate(0, 0, 10), []string{"DC3003 warning Order/alice-mail"}, "was asked for on 2026-03-07 and that was not applied for 3 days"},
		"changed and not applied": {func(w *world) { w.ticket("8"); w.commit("change") }, time.Time{}, []string{"DC3003 warning Order/alice-mail"}, "was changed"},
		"not committed":           {func(w *world) { w.ticket("8") }, time.Time{}, nil, ""},
		"removed and not applied": {func(w *world) { w.remove("manifests/orders/alice-mail.yaml"); w.commit("enough") }, time.Time{}, []string{"DC3003 warning Order/alice-mail"}, "was taken out of git"},
		"put off until the next order": {func(w *world) {
			w.edit("manifests/orders/alice-mail.yaml", "years: 1", "years: 2")
			w.commit("longer, next time")
		}, time.Time{}, nil, ""},
		"only an instruction": {func(w *world) {
			w.edit("manifests/orders/alice-mail.yaml", "spec:\n", "lifecycle: {protect: true}\nspec:\n")
			w.commit("protect it")
		}, time.Time{}, nil, ""},
		"a contact that orders hold": {func(w *world) {
			w.edit("manifests/contacts/people.yaml", "801-555-0101", "801-555-0103")
			w.commit("another phone")
		}, time.Time{}, []string{"DC3003 warning " + organization}, "/organization_contact/telephone"},

		"ends soon":      {func(*world) {}, year.AddDate(0, 0, -20), []string{"DC3012 warning Order/alice-mail", "DC3012 warning Order/driver-signing", "DC3012 warning " + order}, "nothing renews it"},
		"ends later":     {func(*world) {}, year.AddDate(0, 0, -40), nil, ""},
		"ended":          {func(w *world) { w.only(order) }, year.AddDate(0, 0, 3), []string{"DC3012 error " + order}, "ended on 2027-03-01"},
		"renews before":  {func(w *world) { w.only(order); renewing(w, "10d") }, year.AddDate(0, 0, -20), nil, ""},
		"window is open": {func(w *world) { w.only(order); renewing(w, "40d") }, year.AddDate(0, 0, -20), []string{"DC3012 warning " + order}, "window for its renewal is open"},
		"meant to end": {func(w *world) {
			w.only(order)
			w.edit("manifests/orders/installer-signing.yaml", "spec:\n", "retire: {target: current, action: revoke, comments: enough}\nspec:\n")
		}, year.AddDate(0, 0, -20), nil, ""},
		"renewed out of git": {func(w *world) {
			w.only(order)
			w.forge(func(f *state.File) { f.Objects[address(order)].Observed["is_renewed"] = resource.Bool(true) })
		}, year.AddDate(0, 0, -20), nil, ""},
		"weak key": {func(w *world) {
			w.write(csr, newCSR(w.T, 2048))
			w.commit("weaken")
			w.apply()
		}, time.Time{}, []string{"DC3013 error " + order}, "RSA of 2048 bits"},
		"weak key no more": {func(w *world) {
			w.write(csr, newCSR(w.T, 2048))
			w.commit("weaken")
			w.apply()
			w.write(csr, newCSR(w.T, 3072))
			w.commit("strengthen")
			w.apply()
		}, time.Time{}, []string{"DC3013 note " + order}, "RSA of 2048 bits"},
		"weak hash": {func(w *world) {
			w.forge(func(f *state.File) {
				resource.Put(f.Objects[address("Order/alice-mail")].Applied.Spec, "/certificate/signature_hash", resource.String("sha1"))
			})
		}, time.Time{}, []string{"DC3005 error Order/alice-mail", "DC3013 error Order/alice-mail"}, "signed over sha1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := appliedWorld(t)
			tc.plant(w)
			in := w.input()
			if !tc.now.IsZero() {
				in.Now = tc.now
			}
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, findings(r)); d != "" {
				t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
			}
			if !strings.Contains(textOf(r), tc.text) {
				t.Errorf("%q is not in\n%s", tc.text, textOf(r))
			}
		})
	}
}

// only leaves one order in the project.
func (w *world) only(name string) {
	w.Helper()
	for _, file := range []string{"alice-mail", "driver-signing", "installer-signing"} {
		if name != "Order/"+file {
			w.remove("manifests/orders/" + file + ".yaml")
		}
	}
	w.commit("only " + name)
	w.apply()
}

// TestPolicy: what was applied although the policy of its time refused it.
func TestPolicy(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.edit("dcsync.yaml", "  settle: 0s", "  policy: {rules: [{name: all, products: [code_signing, code_signing_ev, client_premium]}]}\n  settle: 0s")
	w.commit("a policy that all keep")
	w.ticket("8")
	w.commit("change")
	w.apply()
	if r := w.audit(); len(r.Findings) > 0 {
		t.Errorf("findings %v", r.Findings)
	}
	// Somebody applies with a policy of their own.
	policy := w.read("dcsync.yaml")
	w.edit("dcsync.yaml", ", client_premium", "")
	w.ticket("9")
	strict := w.commit("narrow the policy, and change")
	w.write("dcsync.yaml", policy)
	w.record(func(f *state.File) { f.Objects[address("Order/alice-mail")].Source.Commit = strict })
	w.edit("dcsync.yaml", ", client_premium", "")
	w.land()
	w.write("dcsync.yaml", policy)
	w.commit("widen it again")
	r := w.audit()
	if d := cmp.Diff([]string{"DC3014 error Order/alice-mail"}, findings(r)); d != "" || !strings.Contains(textOf(r), "DC1502") {
		t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
	}
}

// TestAccount: what the account shows beside git.
func TestAccount(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.remove("manifests/orders/alice-mail.yaml")
	w.commit("enough")
	w.apply()
	in := w.input()
	in.Drift = &reconcile.Plan{Complete: true,
		Unmanaged: []reconcile.Unmanaged{{Kind: "Order", ID: "777", Product: "ssl_basic", Summary: "ssl_basic evil.example issued"}, {Kind: "Order", ID: "880001", Product: "client_premium"},
			{Kind: "Organization", ID: "5", Summary: "Other Inc"}},
		Unnamed: []reconcile.Unnamed{{Address: address(organization), ID: "880004", Type: "cs", Person: "Eve Example"}},
		Changes: []*reconcile.Change{
			{Address: address(order), Action: resource.Update, Trigger: resource.ByDrift, ID: "880003", Reason: "the account was changed outside git", Fields: []resource.FieldChange{{Path: "/additional_emails", Sensitive: true}}},
			{Address: address(organization), Action: resource.Blocked, Trigger: resource.ByDrift, ID: "880004", Corrected: true, Reason: "corrected by DigiCert"},
			{Address: address("Order/driver-signing"), Action: resource.Noop, Trigger: resource.ByIntent},
		}}
	r, err := audit.Run(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"DC3001 error", "DC3002 warning Order/alice-mail", "DC3011 warning " + order, "DC3015 warning " + organization, "DC3001 note", "DC3011 note " + organization}
	if d := cmp.Diff(want, findings(r)); d != "" || r.Offline || !r.Complete {
		t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
	}
	if n := strings.Count(textOf(r), "changed outside git"); n != 2 { // once for each change
		t.Errorf("said %d times\n%s", n, textOf(r))
	}
	in.Drift = &reconcile.Plan{Changes: []*reconcile.Change{{Address: address(order), Action: resource.Blocked, Trigger: resource.ByDrift, Unread: true, Reason: "880003 could not be read"}}}
	if r, err = audit.Run(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"DC3017 warning", "DC3017 warning " + order}, findings(r)); d != "" || r.Complete {
		t.Errorf("(-want +got)\n%s\n%s", d, textOf(r))
	}
}

// TestMissingHistory: a clone that lacks part of the history says so, and concludes nothing from what it lacks.
func TestMissingHistory(t *testing.T) {
	t.Parallel()
	w := appliedWorld(t)
	w.ticket("8")
	w.commit("change")
	w.apply()
	w.renew(order)
	w.land()
	for name, args := range map[string][]string{"shallow": {"--depth=2"}, "blobless": {"--filter=blob:none", "--no-checkout"}, "treeless": {"--filter=tree:0", "--no-checkout"}} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "clone")
			w.git("config", "uploadpack.allowFilter", "true")
			w.git(append(append([]string{"clone", "-q"}, args...), "file://"+w.dir, dir)...)
			repo, err := gitrepo.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			in := w.input()
			in.Repo, in.Root = repo, dir
			r, err := audit.Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range findings(r) {
				if f != "DC3016 warning" {
					t.Errorf("%s in\n%s", f, textOf(r))
				}
			}
			if r.Complete || len(r.Findings) == 0 {
				t.Errorf("complete %v, findings %v", r.Complete, r.Findings)
			}
		})
	}
}

// TestNoHistory: a project that nobody committed yet.
func TestNoHistory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	r := w.audit()
	if r.Head != "" || !r.Complete || len(r.Entries)+len(r.Findings) > 0 {
		t.Errorf("got %+v", r)
	}
}
