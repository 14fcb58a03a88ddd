package certcentral_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"dcsync/internal/certcentral"
	"dcsync/internal/sandbox"
	"dcsync/internal/secret"
)

// TestLimiterInRealTime sends 2,000 requests through the default windows to a sandbox that counts them by the same ones: none may be
// refused, and the time may be at most a tenth more than the windows demand. It takes about four minutes, so only `make soak` runs it; on
// a fake clock the same is shown in every run.
func TestLimiterInRealTime(t *testing.T) {
	if os.Getenv("DCSYNC_SOAK") == "" {
		t.Skip("four minutes of real time: run by make soak")
	}
	t.Parallel()
	box, err := sandbox.New(sandbox.Options{RateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	defer server.Close()
	windows, err := certcentral.ParseWindows(certcentral.DefaultRateLimit)
	if err != nil {
		t.Fatal(err)
	}
	client, err := certcentral.New(certcentral.Config{BaseURL: server.URL + "/services/v2", Key: secret.New("sandbox-key"), Windows: windows})
	if err != nil {
		t.Fatal(err)
	}
	const requests, workers = 2000, 8
	begin := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range requests / workers {
				if _, err := client.Do(t.Context(), certcentral.Request{Method: http.MethodGet, Path: "/user/me"}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)

	resp, err := http.Get(server.URL + "/_sandbox/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var stats struct {
		Total    int `json:"total"`
		Rejected int `json:"rejected_429"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	// The first thousand takes 45 s at least (100 in 5 s), the second begins when the first leaves the window of 180 s.
	const least = 180*time.Second + 45*time.Second
	t.Logf("%d requests in %v, %d refused; the windows demand %v", stats.Total, took.Round(time.Millisecond), stats.Rejected, least)
	if stats.Total != requests || stats.Rejected != 0 {
		t.Errorf("%d requests, %d refused; want %d and none", stats.Total, stats.Rejected, requests)
	}
	if took > least*11/10 {
		t.Errorf("took %v, more than a tenth over %v", took, least)
	}
}
