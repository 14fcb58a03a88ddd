package gitrepo

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"
)

// Signer signs commits. It prints as its key's fingerprint.
type Signer struct {
	key  string
	sign func(payload []byte) (armored []byte, err error)
}

// String gives the key's fingerprint.
func (s *Signer) String() string { return s.key }

// NewSSHSigner signs as git does with gpg.format=ssh. key is a private key file's bytes; passphrase is empty for a plain one.
func NewSSHSigner(key, passphrase []byte) (*Signer, error) {
	var s ssh.Signer
	var err error
	if len(passphrase) > 0 {
		s, err = ssh.ParsePrivateKeyWithPassphrase(key, passphrase)
	} else {
		s, err = ssh.ParsePrivateKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("read ssh signing key: %w", err)
	}
	return &Signer{ssh.FingerprintSHA256(s.PublicKey()), func(payload []byte) ([]byte, error) { return signSSH(s, payload) }}, nil
}

// NewOpenPGPSigner signs as git does with gpg.format=openpgp. key is an armored private key.
func NewOpenPGPSigner(key, passphrase []byte) (*Signer, error) {
	list, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	if err != nil {
		return nil, fmt.Errorf("read openpgp signing key: %w", err)
	}
	if len(list) != 1 || list[0].PrivateKey == nil {
		return nil, errors.New("read openpgp signing key: it must hold exactly one private key")
	}
	e := list[0]
	if len(passphrase) > 0 {
		if err := e.DecryptPrivateKeys(passphrase); err != nil {
			return nil, fmt.Errorf("read openpgp signing key: %w", err)
		}
	}
	sign := func(payload []byte) ([]byte, error) {
		var b bytes.Buffer
		err := openpgp.ArmoredDetachSign(&b, e, bytes.NewReader(payload), &packet.Config{DefaultHash: crypto.SHA256})
		return b.Bytes(), err
	}
	if _, err := sign(nil); err != nil {
		return nil, fmt.Errorf("use openpgp signing key: %w", err)
	}
	return &Signer{fmt.Sprintf("%X", e.PrimaryKey.Fingerprint), sign}, nil
}
