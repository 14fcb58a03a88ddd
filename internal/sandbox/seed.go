package sandbox

import (
	"slices"
	"time"
)

// Numbers of the sandbox's one account, division and administrator.
const (
	accountID = 1234567
	adminID   = 9001
	guestID   = 9002
)

var rootContainer = containerRef{ID: 11, ParentID: 0, Name: "Sandbox", IsActive: true}

// defaultShipInfo is the account's own address for tokens, used by ship_token
// orders that name none (code signing order document, ship_info).
var defaultShipInfo = shipInfo{
	Name: "Sandbox Receiving", Addr1: "1 Loopback Way", City: "Lehi", State: "Utah", Zip: "84043", Country: "us", Method: "STANDARD",
}

// emptyAccount has one administrator, who owns the keys, and nothing else.
func emptyAccount() *account {
	a := &account{
		Organizations: []*organization{}, Orders: []*order{}, Requests: []*request{},
		Users: []*user{administrator()}, Metadata: defaultMetadata(),
	}
	if err := a.mend(); err != nil {
		panic(err) // nothing in it can be wrong
	}
	return a
}

// administrator is who owns the keys of an account that brings no users.
func administrator() *user {
	return &user{
		ID: adminID, Username: "ada.admin", AccountID: accountID, FirstName: "Ada", LastName: "Admin",
		Email: "ada.admin@sandbox.example", JobTitle: "PKI Lead", Telephone: "+1 801 555 0100", Status: "active",
		Container: rootContainer, AccessRoles: []accessRole{{roleAdministrator, "Administrator"}}, Type: "standard",
	}
}

// demoAccount adds to the empty account what a client that manages only its own
// objects must leave alone: a standard user (9002, without job title and
// telephone), an organization validated for ov and cs (70001) with one verified
// contact, and an issued code signing order of it (880000).
func demoAccount(now time.Time) *account {
	a := emptyAccount()
	a.Users = append(a.Users, &user{
		ID: guestID, Username: "sam.standard", AccountID: accountID, FirstName: "Sam", LastName: "Standard",
		Email: "sam.standard@sandbox.example", Status: "active",
		Container: rootContainer, AccessRoles: []accessRole{{5, "Standard user"}}, Type: "standard",
	})
	address := defaultShipInfo
	placed := now.UTC().AddDate(0, 0, -30).Truncate(time.Second)
	org := &organization{
		ID: 70001, Status: "active", Name: "Unmanaged Works Ltd", DisplayName: "Unmanaged Works Ltd", IsActive: true,
		Address: "9 Console Street", Zip: "10115", City: "Berlin", State: "Berlin", Country: "de", Telephone: "+49 30 5550199",
		Container:           rootContainer,
		OrganizationContact: &contact{ID: 401, FirstName: "Uma", LastName: "Works", Email: "uma@unmanaged.example"},
		VerifiedContacts: []contact{{
			ID: 402, FirstName: "Vic", LastName: "Works", Email: "vic@unmanaged.example", JobTitle: "CISO", Telephone: "+49 30 5550198",
		}},
	}
	for _, kind := range []string{"ov", "cs"} {
		v := newValidation(kind)
		v.activate(placed)
		org.Validations = append(org.Validations, v)
	}
	requester := a.Users[1].ref()
	processor := a.Users[0].ref()
	o := &order{
		ID:            880000,
		Status:        "issued",
		DateCreated:   stamp(placed),
		ValidityYears: 1,
		OrderValidity: validity{Years: 1},
		Container:     orderContainer{rootContainer.ID, rootContainer.Name, true},
		Product:       findProduct("code_signing").onOrder(),
		Certificate: certificate{
			ID: 990000, CommonName: org.Name, DateCreated: stamp(placed), SignatureHash: "sha256",
			ServerPlatform: platformByID(tokenPlatform), Organization: &idRef{org.ID},
		},
		Organization:        maybeEmpty[orderOrganization]{org.onOrder()},
		OrganizationContact: org.OrganizationContact.onOrder(), VerifiedContacts: slices.Clone(org.VerifiedContacts),
		User:                 requester,
		CSProvisioningMethod: "ship_token", ShipInfo: &address,
		Price: priceOf("code_signing", 1), Currency: "USD", PaymentMethod: "balance",
	}
	a.Organizations = append(a.Organizations, org)
	a.Orders = append(a.Orders, o)
	if err := a.issue(o, placed); err != nil {
		panic(err) // nothing in it can be wrong
	}
	a.Requests = append(a.Requests, &request{
		requestRef: requestRef{ID: 4400, Date: stamp(placed), Type: "new_request", Status: "approved"},
		Requester:  requester, Processor: &processor, DateProcessed: stamp(placed), Order: orderID{o.ID},
	})
	if err := a.mend(); err != nil {
		panic(err) // as above
	}
	return a
}
