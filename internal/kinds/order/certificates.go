package order

import (
	"context"
	"net/http"
	"strings"

	"dcsync/internal/certcentral"
	"dcsync/internal/resource"
)

// certificates names all certificates of an order that was read: the current one, and, where there are any, those it replaced and the
// duplicates, each from a page of its own (API facts, section 8.3).
func (a *API) certificates(ctx context.Context, id string, l *resource.Live) error {
	if l.Life.Serial != "" {
		l.Certificates = append(l.Certificates, resource.Certificate{
			ID: l.Life.CertificateID, Serial: l.Life.Serial, CommonName: l.Title, Till: day(l), Kind: "current"})
	}
	for _, page := range []struct {
		kind  string
		count int
	}{{"reissue", l.Life.Reissues}, {"duplicate", l.Life.Duplicates}} {
		if page.count == 0 {
			continue
		}
		resp, err := a.client.Do(ctx, certcentral.Request{Method: http.MethodGet, Path: path(id) + "/" + page.kind})
		if err != nil {
			return err
		}
		for _, item := range certcentral.Items(resp.Body, "certificates") {
			c := certificate(item, page.kind)
			if c.Serial != "" && c.Serial != l.Life.Serial {
				l.Certificates = append(l.Certificates, c)
			}
		}
	}
	return nil
}

func day(l *resource.Live) string {
	if l.Life.Till.IsZero() {
		return ""
	}
	return l.Life.Till.Format("2006-01-02")
}

func certificate(item map[string]any, kind string) resource.Certificate {
	body, _ := resource.FromAny(item).(resource.Map)
	status := strings.ToLower(resource.Text(body["status"]))
	return resource.Certificate{ID: certcentral.ID(item["id"]), Serial: resource.Text(body["serial_number"]), CommonName: resource.Text(body["common_name"]),
		Till: resource.Text(body["valid_till"]), Kind: kind, Ended: status == "revoked" || status == "expired"}
}
