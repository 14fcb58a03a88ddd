package gitrepo

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"
)

// Verdict is what is to be thought of a commit's signature.
type Verdict string

// The verdicts. Only Bad says that something is wrong with the bytes.
const (
	Good       Verdict = "good"        // made by a key that was trusted at signing time
	Bad        Verdict = "bad"         // does not belong to these bytes, or cannot be read
	UnknownKey Verdict = "unknown_key" // made by a key that is not trusted, or was not at signing time
	Unsigned   Verdict = "none"
)

// Judgement is a verdict and what it rests on.
type Judgement struct {
	Verdict   Verdict
	Key       string // fingerprint: SHA256:… of an SSH key, hexadecimal of an OpenPGP key; "" when not known
	Principal string // who the trusted key belongs to, as the file of signers or the key says
	Reason    string // why it is not good
}

// Trust is the set of keys whose signatures count.
type Trust struct {
	signers []allowedSigner
	ring    openpgp.EntityList
}

// NewTrust reads git's allowed_signers format and an OpenPGP key ring, armored (any number of blocks) or not; both may be empty. The
// error for the first is a *SignersError.
func NewTrust(allowedSigners, keyring []byte) (*Trust, error) {
	signers, err := parseAllowedSigners(allowedSigners)
	if err != nil {
		return nil, err
	}
	ring, err := parseKeyring(keyring)
	if err != nil {
		return nil, fmt.Errorf("read key ring: %w", err)
	}
	return &Trust{signers, ring}, nil
}

func parseKeyring(data []byte) (openpgp.EntityList, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if !bytes.Contains(data, []byte("-----BEGIN PGP")) {
		return openpgp.ReadKeyRing(bytes.NewReader(data))
	}
	var out openpgp.EntityList
	for rest := data; ; {
		start := bytes.Index(rest, []byte("-----BEGIN PGP"))
		if start < 0 {
			return out, nil
		}
		rest = rest[start:]
		end := bytes.Index(rest[1:], []byte("-----BEGIN PGP"))
		block := rest
		if end >= 0 {
			block = rest[:end+1]
		}
		list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(block))
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
		rest = rest[len(block):]
	}
}

// Judge judges a commit's signature as of signing time. An OpenPGP signature says when it was made; for an SSH one it is the
// committer's time, as for git itself. Both are the signer's own word: who holds an expired key can date a commit back.
func (t *Trust) Judge(c Commit) Judgement {
	switch {
	case len(c.Signature) == 0:
		return Judgement{Verdict: Unsigned}
	case bytes.HasPrefix(c.Signature, []byte("-----BEGIN "+sshArmor)):
		return t.judgeSSH(c)
	case bytes.HasPrefix(c.Signature, []byte("-----BEGIN PGP ")):
		return t.judgeOpenPGP(c)
	}
	return Judgement{Verdict: UnknownKey, Reason: "a kind of signature that cannot be verified here"}
}

func (t *Trust) judgeSSH(c Commit) Judgement {
	sig, key, err := parseSSHSignature(c.Signature)
	if err != nil {
		return Judgement{Verdict: Bad, Reason: err.Error()}
	}
	j := Judgement{Verdict: UnknownKey, Key: ssh.FingerprintSHA256(key), Reason: otherKey}
	if sig.Namespace != gitNamespace {
		return Judgement{Verdict: Bad, Key: j.Key, Reason: fmt.Sprintf("made for %q, not for git", sig.Namespace)}
	}
	if err := sig.verify(key, c.Payload); err != nil {
		return Judgement{Verdict: Bad, Key: j.Key, Reason: err.Error()}
	}
	for _, s := range t.signers {
		principal, reason := s.allows(key, c.Committer.When)
		if reason == "" {
			return Judgement{Verdict: Good, Key: j.Key, Principal: principal}
		}
		if reason != otherKey {
			j.Reason = reason
		}
	}
	return j
}

func (t *Trust) judgeOpenPGP(c Commit) Judgement {
	sig, err := readOpenPGP(c.Signature)
	if err != nil {
		return Judgement{Verdict: Bad, Reason: err.Error()}
	}
	j := Judgement{Verdict: UnknownKey, Reason: otherKey}
	switch {
	case len(sig.IssuerFingerprint) > 0:
		j.Key = fmt.Sprintf("%X", sig.IssuerFingerprint)
	case sig.IssuerKeyId != nil:
		j.Key = fmt.Sprintf("%016X", *sig.IssuerKeyId)
	default:
		return Judgement{Verdict: Bad, Reason: "it names no key"}
	}
	if sig.IssuerKeyId == nil {
		return j
	}
	for _, key := range t.ring.KeysById(*sig.IssuerKeyId) {
		j.Key = fmt.Sprintf("%X", key.PublicKey.Fingerprint)
		if err := verifyOpenPGP(key, sig, c.Payload); err != nil {
			return Judgement{Verdict: Bad, Key: j.Key, Reason: err.Error()}
		}
		if reason := untrusted(key, sig.CreationTime); reason != "" {
			j.Reason = reason
			continue
		}
		j.Verdict, j.Reason = Good, ""
		if id := key.Entity.PrimaryIdentity(); id != nil {
			j.Principal = id.Name
		}
		return j
	}
	return j
}

// readOpenPGP gives the one signature in an armored block.
func readOpenPGP(armored []byte) (*packet.Signature, error) {
	block, err := armor.Decode(bytes.NewReader(armored))
	if err != nil {
		return nil, fmt.Errorf("read openpgp signature: %w", err)
	}
	var out []*packet.Signature
	for packets := packet.NewReader(block.Body); ; {
		p, err := packets.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read openpgp signature: %w", err)
		}
		sig, ok := p.(*packet.Signature)
		if !ok {
			return nil, errors.New("read openpgp signature: it holds something else")
		}
		out = append(out, sig)
	}
	if len(out) != 1 {
		return nil, fmt.Errorf("read openpgp signature: %d signatures where git makes one", len(out))
	}
	return out[0], nil
}

func verifyOpenPGP(key openpgp.Key, sig *packet.Signature, payload []byte) error {
	if sig.SigType != packet.SigTypeBinary {
		return errors.New("not a signature over bytes")
	}
	if sig.Hash == crypto.SHA1 || sig.Hash == crypto.MD5 || sig.Hash == crypto.RIPEMD160 {
		return fmt.Errorf("made over the weak hash %s", sig.Hash)
	}
	h, err := sig.PrepareVerify()
	if err != nil {
		return err
	}
	h.Write(payload)
	return key.PublicKey.VerifySignature(h, sig)
}

// untrusted tells why a key's signature did not count at an instant, "" if it did. As for gpg the newest self-signature says how long
// the key lives, also when it was made after that instant: a life that was prolonged is no reason to doubt what came before. A key
// revoked as compromised counts at no time, one revoked otherwise until then.
func untrusted(key openpgp.Key, at time.Time) string {
	self, _ := key.Entity.PrimarySelfSignature()
	switch {
	case key.Entity.Revoked(at) || key.Revoked(at):
		return "its key was revoked at signing time"
	case self == nil || key.SelfSignature == nil:
		return "its key has no self-signature"
	case key.Entity.PrimaryKey.KeyExpired(self, at) || key.PublicKey.KeyExpired(key.SelfSignature, at):
		return "its key had not begun or had expired at signing time"
	case key.SelfSignature.FlagsValid && !key.SelfSignature.FlagSign:
		return "its key is not meant for signing"
	}
	return ""
}
