package gitrepo

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// SSH signatures, as OpenSSH's PROTOCOL.sshsig describes them.

const (
	sshMagic     = "SSHSIG"
	sshArmor     = "SSH SIGNATURE"
	gitNamespace = "git" // what git signs and verifies under
)

// sshSignature is the blob inside the armor, after the magic.
type sshSignature struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// sshSigned is what the key signs, after the magic.
type sshSigned struct {
	Namespace string
	Reserved  string
	Hash      string
	Digest    []byte
}

// parseSSHSignature reads an armored signature.
func parseSSHSignature(armored []byte) (*sshSignature, ssh.PublicKey, error) {
	block, _ := pem.Decode(armored)
	if block == nil || block.Type != sshArmor {
		return nil, nil, errors.New("read ssh signature: no armor")
	}
	blob, ok := bytes.CutPrefix(block.Bytes, []byte(sshMagic))
	if !ok {
		return nil, nil, errors.New("read ssh signature: no magic")
	}
	s := &sshSignature{}
	if err := ssh.Unmarshal(blob, s); err != nil {
		return nil, nil, fmt.Errorf("read ssh signature: %w", err)
	}
	if s.Version != 1 {
		return nil, nil, fmt.Errorf("read ssh signature: version %d", s.Version)
	}
	key, err := ssh.ParsePublicKey(s.PublicKey)
	if err != nil {
		return nil, nil, fmt.Errorf("read ssh signature: %w", err)
	}
	return s, key, nil
}

// verify checks that key made the signature over payload.
func (s *sshSignature) verify(key ssh.PublicKey, payload []byte) error {
	signed, err := signedBytes(s.Namespace, s.Reserved, s.Hash, payload)
	if err != nil {
		return err
	}
	var sig ssh.Signature
	if err := ssh.Unmarshal(s.Signature, &sig); err != nil {
		return fmt.Errorf("read ssh signature: %w", err)
	}
	if sig.Format == ssh.KeyAlgoRSA {
		return errors.New("signed with RSA and SHA-1, which sshsig does not allow")
	}
	if cert, ok := key.(*ssh.Certificate); ok {
		key = cert.Key
	}
	return key.Verify(signed, &sig)
}

func signedBytes(namespace, reserved, hash string, payload []byte) ([]byte, error) {
	var digest []byte
	switch hash {
	case "sha512":
		sum := sha512.Sum512(payload)
		digest = sum[:]
	case "sha256":
		sum := sha256.Sum256(payload)
		digest = sum[:]
	default:
		return nil, fmt.Errorf("signed over the unknown hash %q", hash)
	}
	return append([]byte(sshMagic), ssh.Marshal(sshSigned{namespace, reserved, hash, digest})...), nil
}

func signSSH(key ssh.Signer, payload []byte) ([]byte, error) {
	signed, err := signedBytes(gitNamespace, "", "sha512", payload)
	if err != nil {
		return nil, err
	}
	var sig *ssh.Signature
	if rsa, ok := key.(ssh.AlgorithmSigner); ok && key.PublicKey().Type() == ssh.KeyAlgoRSA {
		sig, err = rsa.SignWithAlgorithm(rand.Reader, signed, ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = key.Sign(rand.Reader, signed)
	}
	if err != nil {
		return nil, err
	}
	blob := ssh.Marshal(sshSignature{1, key.PublicKey().Marshal(), gitNamespace, "", "sha512", ssh.Marshal(sig)})
	return pem.EncodeToMemory(&pem.Block{Type: sshArmor, Bytes: append([]byte(sshMagic), blob...)}), nil
}
