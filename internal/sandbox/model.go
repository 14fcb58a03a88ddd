package sandbox

import (
	"bytes"
	"encoding/json"
	"time"
)

// The types below are stored objects in the shapes of the info endpoints (API
// facts, sections 3, 4.2, 6 and 10). Optional fields that are empty are absent,
// never null. A field named Hidden is bookkeeping: it is kept in the data file
// and never answered.

type containerRef struct {
	ID       int    `json:"id"`
	ParentID int    `json:"parent_id"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`
}

type accessRole struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type user struct {
	ID          int          `json:"id"`
	Username    string       `json:"username"`
	AccountID   int          `json:"account_id"`
	FirstName   string       `json:"first_name"`
	LastName    string       `json:"last_name"`
	Email       string       `json:"email"`
	JobTitle    string       `json:"job_title,omitempty"`
	Telephone   string       `json:"telephone,omitempty"`
	Status      string       `json:"status"`
	Container   containerRef `json:"container"`
	AccessRoles []accessRole `json:"access_roles"`
	Type        string       `json:"type"`
	LastLogin   string       `json:"last_login_date,omitempty"`
	APIOnly     bool         `json:"is_api_only,omitempty"`
	// Assigned are the containers the user is limited to; none means the user's
	// own and those below it. Answers tell only that there are some.
	Assigned []int `json:"container_id_assignments,omitempty"`
}

func (u *user) ref() userRef { return userRef{u.ID, u.FirstName, u.LastName, u.Email} }

type userRef struct {
	ID        int    `json:"id"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email,omitempty"`
}

// contact is a person on an organization (with id) or an order (without).
type contact struct {
	ID                 int    `json:"id,omitempty"`
	FirstName          string `json:"first_name"`
	LastName           string `json:"last_name"`
	Email              string `json:"email,omitempty"`
	JobTitle           string `json:"job_title,omitempty"`
	Telephone          string `json:"telephone,omitempty"`
	TelephoneExtension string `json:"telephone_extension,omitempty"`
	// UserID is the account user behind a verified contact. Contact ids and user
	// ids are different numbers.
	UserID int `json:"user_id,omitempty"`
}

// samePerson is the API's own test: names and email, nothing else.
func (c *contact) samePerson(o *contact) bool {
	return c != nil && o != nil && c.FirstName == o.FirstName && c.LastName == o.LastName && c.Email == o.Email
}

// onOrder is the copy an order keeps.
func (c *contact) onOrder() *contact {
	if c == nil {
		return nil
	}
	cp := *c
	cp.ID, cp.UserID = 0, 0
	return &cp
}

type validation struct {
	Type           string    `json:"type"`
	Name           string    `json:"name"`
	Description    string    `json:"description"`
	DateCreated    string    `json:"date_created,omitempty"`
	ValidatedUntil string    `json:"validated_until,omitempty"`
	Status         string    `json:"status"`
	VerifiedUsers  []userRef `json:"verified_users,omitempty"`
}

type organization struct {
	ID                  int          `json:"id"`
	Status              string       `json:"status"`
	Name                string       `json:"name"`
	AssumedName         string       `json:"assumed_name,omitempty"`
	DisplayName         string       `json:"display_name"`
	IsActive            bool         `json:"is_active"`
	Address             string       `json:"address"`
	Address2            string       `json:"address2,omitempty"`
	Zip                 string       `json:"zip"`
	City                string       `json:"city"`
	State               string       `json:"state"`
	Country             string       `json:"country"`
	Telephone           string       `json:"telephone,omitempty"`
	Container           containerRef `json:"container"`
	OrganizationContact *contact     `json:"organization_contact,omitempty"`
	TechnicalContact    *contact     `json:"technical_contact,omitempty"`
	VerifiedContacts    []contact    `json:"verified_contacts,omitempty"`
	Validations         []validation `json:"validations,omitempty"`
	// Hidden: when each pending validation was submitted, by type.
	Hidden map[string]time.Time `json:"sandbox,omitempty"`
}

func displayName(name, assumed string) string {
	if assumed == "" {
		return name
	}
	return name + " (" + assumed + ")"
}

type orderOrganization struct {
	ID          int    `json:"id"`
	Name        string `json:"name"`
	AssumedName string `json:"assumed_name,omitempty"`
	DisplayName string `json:"display_name,omitempty"`
	IsActive    bool   `json:"is_active"`
	City        string `json:"city,omitempty"`
	State       string `json:"state,omitempty"`
	Country     string `json:"country,omitempty"`
	Telephone   string `json:"telephone,omitempty"`
}

// maybeEmpty writes an absent object as [], as the API does for the organization
// of an order that has none (API facts, section 15), and reads both forms.
type maybeEmpty[T any] struct{ v *T }

func (m maybeEmpty[T]) MarshalJSON() ([]byte, error) {
	if m.v == nil {
		return []byte("[]"), nil
	}
	return json.Marshal(m.v)
}

func (m *maybeEmpty[T]) UnmarshalJSON(b []byte) error {
	m.v = nil
	if b = bytes.TrimSpace(b); bytes.Equal(b, []byte("[]")) || bytes.Equal(b, []byte("null")) {
		return nil
	}
	m.v = new(T)
	return json.Unmarshal(b, m.v)
}

// validity holds the one unit an order was placed with.
type validity struct {
	Years                int    `json:"years,omitempty"`
	Days                 int    `json:"days,omitempty"`
	CustomExpirationDate string `json:"custom_expiration_date,omitempty"`
}

type platform struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type individual struct {
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Pseudonym string `json:"pseudonym,omitempty"`
	Email     string `json:"email,omitempty"`
	Telephone string `json:"telephone,omitempty"`
	Country   string `json:"country,omitempty"`
	JobTitle  string `json:"job_title,omitempty"`
}

type certificate struct {
	ID                  int         `json:"id,omitempty"`
	Thumbprint          string      `json:"thumbprint,omitempty"`
	SerialNumber        string      `json:"serial_number,omitempty"`
	CommonName          string      `json:"common_name,omitempty"`
	CommonNameIndicator string      `json:"common_name_indicator,omitempty"`
	Individual          *individual `json:"individual,omitempty"`
	CertValidity        *validity   `json:"cert_validity,omitempty"`
	Emails              []string    `json:"emails,omitempty"`
	DNSNames            []string    `json:"dns_names,omitempty"`
	DateCreated         string      `json:"date_created,omitempty"`
	DateIssued          string      `json:"date_issued,omitempty"`
	ValidFrom           string      `json:"valid_from,omitempty"`
	ValidTill           string      `json:"valid_till,omitempty"`
	DaysRemaining       int         `json:"days_remaining,omitempty"`
	CSR                 string      `json:"csr,omitempty"`
	Organization        *idRef      `json:"organization,omitempty"`
	OrganizationUnits   []string    `json:"organization_units,omitempty"`
	ServerPlatform      *platform   `json:"server_platform,omitempty"`
	SignatureHash       string      `json:"signature_hash"`
	KeySize             int         `json:"key_size,omitempty"`
	CACert              *caCert     `json:"ca_cert,omitempty"`
	UsageDesignation    *usage      `json:"usage_designation,omitempty"`
	ProfileType         string      `json:"profile_type,omitempty"`
	ProfileOption       string      `json:"profile_option,omitempty"`
	// X9 PKI's own.
	KeyUsages         []string `json:"key_usages,omitempty"`
	ExtendedKeyUsages []string `json:"extended_key_usages,omitempty"`
}

// usage is what a Secure Email or document signing certificate is for.
type usage struct {
	Primary    string   `json:"primary_usage"`
	Additional []string `json:"additional_usages,omitempty"`
}

type idRef struct {
	ID int `json:"id"`
}

type caCert struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type product struct {
	NameID                string `json:"name_id"`
	Name                  string `json:"name"`
	Type                  string `json:"type"`
	ValidationType        string `json:"validation_type,omitempty"`
	ValidationName        string `json:"validation_name,omitempty"`
	ValidationDescription string `json:"validation_description,omitempty"`
}

type note struct {
	ID          int     `json:"id"`
	DateCreated string  `json:"date_created"`
	Text        string  `json:"text"`
	User        userRef `json:"user"`
}

type customField struct {
	MetadataID int    `json:"metadata_id"`
	Label      string `json:"label"`
	Value      string `json:"value"`
}

type shipInfo struct {
	Name    string `json:"name"`
	Addr1   string `json:"addr1"`
	Addr2   string `json:"addr2,omitempty"`
	City    string `json:"city"`
	State   string `json:"state"`
	Zip     string `json:"zip"`
	Country string `json:"country"`
	Method  string `json:"method"`
}

// requestRef is a request as order info shows it.
type requestRef struct {
	ID       int    `json:"id"`
	Date     string `json:"date"`
	Type     string `json:"type"`
	Status   string `json:"status"`
	Comments string `json:"comments"`
}

func (r requestRef) open() bool { return r.Status == "pending" || r.Status == "submitted" }

// request is stored apart from its order, as GET /request shows it but for the
// order, of which only the id is kept.
type request struct {
	requestRef
	Requester        userRef  `json:"requester"`
	Processor        *userRef `json:"processor,omitempty"`
	DateProcessed    string   `json:"date_processed,omitempty"`
	ProcessorComment string   `json:"processor_comment,omitempty"`
	Order            orderID  `json:"order"`
	// What a revocation is about; without a certificate, the whole order.
	CertificateID    int    `json:"certificate_id,omitempty"`
	RevocationReason string `json:"revocation_reason,omitempty"`
}

// orderID reads the id of an order and passes over whatever a dump shows beside it.
type orderID idRef

func (id *orderID) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*idRef)(id)) }

type order struct {
	ID                          int                           `json:"id"`
	Certificate                 certificate                   `json:"certificate"`
	Status                      string                        `json:"status"`
	IsRenewal                   bool                          `json:"is_renewal"`
	IsRenewed                   bool                          `json:"is_renewed"`
	RenewedOrderID              int                           `json:"renewed_order_id,omitempty"`
	RenewalOfOrderID            int                           `json:"renewal_of_order_id,omitempty"`
	DateCreated                 string                        `json:"date_created"`
	OrderValidFrom              string                        `json:"order_valid_from,omitempty"`
	OrderValidTill              string                        `json:"order_valid_till,omitempty"`
	ValidityYears               int                           `json:"validity_years,omitempty"`
	OrderValidity               validity                      `json:"order_validity"`
	IsMultiYearPlan             string                        `json:"is_multi_year_plan,omitempty"` // "1", a string
	Organization                maybeEmpty[orderOrganization] `json:"organization"`
	DisableRenewalNotifications bool                          `json:"disable_renewal_notifications"`
	AutoRenew                   int                           `json:"auto_renew"`
	AutoReissue                 int                           `json:"auto_reissue"`
	CustomRenewalMessage        string                        `json:"custom_renewal_message,omitempty"`
	DisableIssuanceEmail        bool                          `json:"disable_issuance_email,omitempty"`
	Container                   orderContainer                `json:"container"`
	Product                     product                       `json:"product"`
	OrganizationContact         *contact                      `json:"organization_contact,omitempty"`
	TechnicalContact            *contact                      `json:"technical_contact,omitempty"`
	VerifiedContacts            []contact                     `json:"verified_contacts,omitempty"`
	User                        userRef                       `json:"user"`
	UserAssignments             []userRef                     `json:"user_assignments,omitempty"`
	Requests                    []requestRef                  `json:"requests,omitempty"`
	Notes                       []note                        `json:"notes,omitempty"`
	CustomFields                []customField                 `json:"custom_fields,omitempty"`
	AdditionalEmails            []string                      `json:"additional_emails,omitempty"`
	CSProvisioningMethod        string                        `json:"cs_provisioning_method,omitempty"`
	ShipInfo                    *shipInfo                     `json:"ship_info,omitempty"`
	HardwareInitCode            string                        `json:"hardware_init_code,omitempty"`
	AlternativeOrderID          string                        `json:"alternative_order_id,omitempty"`
	Price                       float64                       `json:"price"`
	Currency                    string                        `json:"currency"`
	PaymentMethod               string                        `json:"payment_method"`
	DisableCT                   bool                          `json:"disable_ct"`
	DCVMethod                   string                        `json:"dcv_method,omitempty"`
	CertificateDCVScope         string                        `json:"certificate_dcv_scope,omitempty"`
	Individual                  *individual                   `json:"individual,omitempty"`
	AllowDuplicates             bool                          `json:"allow_duplicates"`
	DuplicatesCount             int                           `json:"duplicates_count"`
	ReissuesCount               int                           `json:"reissues_count"`
	IsGuestAccessEnabled        bool                          `json:"is_guest_access_enabled"`
	HasPendingRequest           bool                          `json:"has_pending_request"`
	Hidden                      *orderHidden                  `json:"sandbox,omitempty"`
}

// orderHidden is what moves an order on by itself. A seeded order has none, and
// an order whose status was edited loses it: both wait for a control call.
type orderHidden struct {
	VisibleAt  time.Time `json:"visible_at,omitzero"`
	ApprovedAt time.Time `json:"approved_at,omitzero"`
	Proof      *proof    `json:"proof,omitempty"`
	// Rework are the reissue and the duplicates that are under way.
	Rework []*rework `json:"rework,omitempty"`
}

type orderContainer struct {
	ID       int    `json:"id"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`
}

// stamp writes a moment as the API does: numeric zone, never Z.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05+00:00") }

// day writes a date without zone.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
