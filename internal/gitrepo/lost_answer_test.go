package gitrepo_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dcsync/internal/gitrepo"
)

// lossy lets pushes through and loses their answers, and after each of them some more requests.
type lossy struct {
	answers atomic.Int32 // pushes still to lose the answer of
	more    atomic.Int32 // requests to fail after each
	failing atomic.Int32
}

func (l *lossy) between(git http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.failing.Add(-1) >= 0 {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		l.failing.Store(0)
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") && l.answers.Add(-1) >= 0 {
			git.ServeHTTP(httptest.NewRecorder(), r)
			l.failing.Store(l.more.Load())
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		git.ServeHTTP(w, r)
	})
}

func TestLandAnswerLost(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	net := &lossy{}
	dir := clone(t, serveThrough(t, bare, net.between))
	net.answers.Store(1)
	got, err := open(t, dir).Land(t.Context(), landing("a=2\nb=1\n"))
	if err != nil || got.Attempts != 1 || got.Commit != git(t, bare, "rev-parse", "main") || !got.Followed {
		t.Fatalf("%+v, %v", got, err)
	}
	// Not even the question where the branch is now is answered: the caller learns of it, and the next landing finds it done.
	net.answers.Store(1)
	net.more.Store(1)
	if _, err := open(t, dir).Land(t.Context(), landing("a=3\nb=1\n")); err == nil {
		t.Fatal("landed without an answer")
	}
	got, err = open(t, dir).Land(t.Context(), landing("a=3\nb=1\n"))
	if err != nil || !got.Nothing {
		t.Errorf("%+v, %v", got, err)
	}
	if n := git(t, bare, "rev-list", "--count", "main"); n != "3" {
		t.Errorf("%s commits", n)
	}
	sound(t, dir)
}

func TestLockAnswerLost(t *testing.T) {
	t.Parallel()
	bare := newRemote(t)
	net := &lossy{}
	clock := newFakeClock()
	l := newLock(t, clone(t, serveThrough(t, bare, net.between)), "run-a", clock)
	net.answers.Store(1)
	held, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	net.more.Store(1)
	for range 2 {
		net.answers.Store(1)
		clock.advance(time.Minute, time.Minute)
		if err := held.Renew(t.Context()); err == nil || errors.Is(err, gitrepo.ErrLockLost) {
			t.Fatalf("renewed without an answer: %v", err)
		}
		if err := held.Check(9 * time.Minute); err != nil && !errors.Is(err, gitrepo.ErrLockLost) {
			t.Error(err)
		}
		net.failing.Store(2) // the push, and the question after it
		if err := held.Renew(t.Context()); err == nil {
			t.Fatal("renewed while the remote was down")
		}
		if err := held.Renew(t.Context()); err != nil {
			t.Fatalf("after the remote came back: %v", err)
		}
		if err := held.Check(10 * time.Minute); err != nil {
			t.Error(err)
		}
	}
	net.answers.Store(1)
	if err := held.Release(t.Context()); err == nil {
		t.Fatal("released without an answer")
	}
	if err := held.Release(t.Context()); err != nil {
		t.Errorf("released again: %v", err)
	}
}
