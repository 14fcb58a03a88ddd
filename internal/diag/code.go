package diag

// Code is the stable name of a kind of finding. A code is never given a second meaning and never reused: DC1108, DC2002, DC2004, DC2007 and
// DC1403 were set aside and stay free.
type Code string

// Findings about files: what YAML itself, the loader or the project layout refuses (DC10xx).
const (
	FileUnreadable   Code = "DC1001" // cannot be opened or read
	FileTooLarge     Code = "DC1002" // over 8 MiB
	FileNotUTF8      Code = "DC1003" // not UTF-8
	FileEmpty        Code = "DC1004" // holds no document
	YAMLSyntax       Code = "DC1005" // not YAML
	DuplicateKey     Code = "DC1006" // the same key twice in one mapping
	BadScalar        Code = "DC1007" // a date, float, octal or other scalar that must be quoted
	AliasBomb        Code = "DC1008" // aliases expand to more than 10,000 nodes
	MergeKey         Code = "DC1009" // << is not supported
	PathEscapes      Code = "DC1010" // a path or symlink leaves the project
	BadKey           Code = "DC1011" // a mapping key that is not a string
	ReferencedFile   Code = "DC1016" // a {file: …} that cannot be read
	ProjectMissing   Code = "DC1017" // no dcsync.yaml here or above
	ProjectDuplicate Code = "DC1018" // a second Project document
	NoManifests      Code = "DC1019" // a manifests path that does not exist
	SavedPlan        Code = "DC1020" // a saved plan that cannot be used as one
)

// Findings about the content of one object, by its table (DC1012 to DC1015 and DC11xx).
const (
	BadValue         Code = "DC1012" // not one of the allowed values, out of range, too long, wrong format
	WrongType        Code = "DC1013" // another type than the API wants
	UnknownField     Code = "DC1014" // no such field
	MissingField     Code = "DC1015" // required, and not there
	ForbiddenField   Code = "DC1101" // must not be given here
	OneOfViolated    Code = "DC1102" // at least one, or at most one, of some fields or items
	CombinedLength   Code = "DC1103" // two fields together too long
	BadEnvelope      Code = "DC1104" // apiVersion, kind or metadata
	SecretInline     Code = "DC1105" // a secret written down instead of referred to
	PrivateKey       Code = "DC1106" // a private key anywhere
	CSRInvalid       Code = "DC1107" // a CSR that cannot be used
	FieldIgnored     Code = "DC1201" // warning: the API ignores it
	FieldDeprecated  Code = "DC1202" // warning: deprecated
	FieldOverridden  Code = "DC1203" // warning: another field wins
	ValueConverted   Code = "DC1204" // warning: the API stores another value
	ValueUnverified  Code = "DC1205" // warning: not in a list known to be incomplete
	ValueDiscouraged Code = "DC1206" // warning: allowed, but another value serves better
	CSRNames         Code = "DC1207" // warning: a CSR asks for names that are not ordered
)

// Findings about objects together (DC13xx).
const (
	DuplicateName   Code = "DC1301" // two manifests of one kind and name
	RefMissing      Code = "DC1302" // a ref to nothing
	RefCycle        Code = "DC1303" // refs in a circle
	DuplicateNonce  Code = "DC1304" // one alternative_order_id in two manifests
	MovedConflict   Code = "DC1305" // moved_from names an address that still exists or is claimed twice
	DuplicateIntent Code = "DC1306" // warning: two manifests ask for the same certificate or renew the same order
	OutOfScope      Code = "DC1307" // outside of the part of the account the project looks at
)

// Findings made while planning and applying (DC2xxx).
const (
	FieldReleased   Code = "DC2001" // warning: removed from the manifest, cannot be cleared by the API
	Forgotten       Code = "DC2003" // warning: no longer managed; tells what became of it
	NoRemoteLock    Code = "DC2005" // note: concurrent runs elsewhere are not excluded
	PriceUnknown    Code = "DC2006" // note: a price could not be read
	RenewalClamped  Code = "DC2008" // warning: renew_before is longer than the API allows
	Moved           Code = "DC2009" // note: an object goes on under another name
	TargetUnknown   Code = "DC2011" // a target that nothing has
	LooksMoved      Code = "DC2010" // warning: a removed and an added manifest mean the same
	GitUnsupported  Code = "DC2012" // warning: a git repository that cannot be read
	StateElsewhere  Code = "DC2013" // note: the branch holds later state than the checkout
	StateUnlanded   Code = "DC2014" // note: results that only this folder has
	StateUnseen     Code = "DC2015" // warning: the state's branch is not in this clone, and was not asked for
	LeftToAccount   Code = "DC2018" // warning: the next certificate is due and left to CertCentral
	SiblingUnread   Code = "DC2017" // warning: the state of another project cannot be read, so what it owns counts as unmanaged
	ApproverDetails Code = "DC2019" // note: what an approver is besides name and address changed; the API changes nobody
	IDKept          Code = "DC2020" // warning: an order keeps the id of its own that its manifest no longer says
	LaterIntent     Code = "DC2016" // note: objects of the state left alone, since this checkout may lack their manifests
	RetireSpent     Code = "DC2021" // warning: a retire block that was carried out would name another order by now
)

// Findings of the team's own policy, spec.policy of dcsync.yaml (DC15xx).
const (
	PolicySchema       Code = "DC1501" // a schema of the team refuses it
	PolicyProduct      Code = "DC1502" // a product the policy does not allow
	PolicyDomain       Code = "DC1503" // a name or address in a domain it does not allow
	PolicyOrganization Code = "DC1504" // an organization it does not allow
	PolicyValidity     Code = "DC1505" // longer than it allows
	PolicyLabel        Code = "DC1506" // a label it wants is missing
	PolicyConsent      Code = "DC1507" // an instruction it wants consent for has none
	PolicyInvalid      Code = "DC1508" // the policy itself cannot be used
)

// Findings about files that dcsync wrote itself (DC14xx).
const (
	StateInvalid Code = "DC1401" // the state file cannot be read
	StateTooNew  Code = "DC1402" // written by a newer dcsync
)

// Findings of an audit, about the account and the history of the repository (DC30xx).
const (
	AuditUnmanaged    Code = "DC3001" // a live order that nobody asked for in git
	AuditReleased     Code = "DC3002" // warning: an order that git gave up and that still lives
	AuditUnapplied    Code = "DC3003" // warning: an intent that was merged and never applied
	AuditUnasked      Code = "DC3004" // applied from a manifest or commit that is not in the history
	AuditStateEdited  Code = "DC3005" // the state was changed by something other than dcsync
	AuditStateInvalid Code = "DC3006" // a state file of the history that cannot be read
	AuditUnsigned     Code = "DC3007" // warning: a commit without a signature
	AuditUnknownKey   Code = "DC3008" // warning: a commit signed by a key that was not trusted
	AuditBadSignature Code = "DC3009" // a commit whose signature does not belong to it
	AuditTrustChanged Code = "DC3010" // whom to trust was changed by somebody who was not trusted
	AuditDrift        Code = "DC3011" // warning: the account was changed outside git; a note when DigiCert corrected it
	AuditExpiring     Code = "DC3012" // warning: a certificate that ends without being renewed; an error when it has ended
	AuditWeakKey      Code = "DC3013" // a key or hash too weak
	AuditPolicy       Code = "DC3014" // applied although the policy of that time refused it
	AuditApprover     Code = "DC3015" // somebody may approve orders whom git does not name
	AuditHistory      Code = "DC3016" // warning: history is missing in this clone
	AuditUnread       Code = "DC3017" // warning: something of the account could not be read
	AuditDropped      Code = "DC3018" // warning: a merge took back what a commit changed in a manifest
)
