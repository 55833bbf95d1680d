// Command crossverify holds the Python ledger to the official Go code, both ways.
//
// It reads what Python made from standard input (see Theirs), checks it with golang.org/x/mod/sumdb/note,
// transparency-dev/merkle and transparency-dev/formats, and writes what Go made (see Ours) for Python to check. Each
// failure is a line on standard error; the exit code is 1 if there was any.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	tlogproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"golang.org/x/mod/sumdb/note"
)

// Theirs is what Python made.
type Theirs struct {
	Origin      string        // name of the log
	LogKey      string        // its verifier key
	ReceiptKey  string        // verifier key of the receipts
	Receipt     []byte        // a receipt as a signed note
	Leaves      [][]byte      // every leaf, in order
	Checkpoints [][]byte      // signed checkpoints of several sizes
	Consistency []Consistency // proofs between them
	Inclusion   [][]byte      // tlog-proof files, all against the last checkpoint
	SignerKey   string        // a private key string Python wrote, for Go to sign with
	WitnessKey  string        // another, for Go to cosign with
}

// Consistency is a proof between two trees.
type Consistency struct {
	Old, New         uint64
	OldRoot, NewRoot []byte
	Proof            [][]byte
}

// Ours is what Go made of the same leaves.
type Ours struct {
	Checkpoints [][]byte      // signed with SignerKey
	Cosigned    []byte        // the last one, with a witness's Ed25519 cosignature/v1 under it
	Inclusion   [][]byte      // tlog-proof files, all against Cosigned
	Consistency []Consistency // proofs between the checkpoints
	Checked     map[string]int
}

var failed bool

func check(what string, err error) bool {
	if err != nil {
		failed = true
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
	}
	return err == nil
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func main() {
	var theirs Theirs
	if err := json.NewDecoder(os.Stdin).Decode(&theirs); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ours := Ours{Checked: verify(theirs)}
	produce(theirs, &ours)
	if err := json.NewEncoder(os.Stdout).Encode(ours); err != nil || failed {
		os.Exit(1)
	}
}

// verify checks everything Python made and counts what was checked.
func verify(theirs Theirs) map[string]int {
	checked := map[string]int{}
	verifier := must(note.NewVerifier(theirs.LogKey))
	tree := testonly.New(rfc6962.DefaultHasher)
	tree.AppendData(theirs.Leaves...)

	for i, data := range theirs.Checkpoints {
		checkpoint, rest, _, err := log.ParseCheckpoint(data, theirs.Origin, verifier)
		if check(fmt.Sprintf("checkpoint %d", i), err) {
			if len(rest) != 0 || !bytes.Equal(tree.HashAt(checkpoint.Size), checkpoint.Hash) {
				check(fmt.Sprintf("checkpoint %d", i), fmt.Errorf("root is not Go's, or there are extension lines"))
			}
			checked["checkpoints"]++
		}
	}
	for _, c := range theirs.Consistency {
		what := fmt.Sprintf("consistency %d to %d", c.Old, c.New)
		if check(what, proof.VerifyConsistency(rfc6962.DefaultHasher, c.Old, c.New, c.Proof, c.OldRoot, c.NewRoot)) {
			checked["consistency"]++
		}
	}
	for i, file := range theirs.Inclusion {
		if check(fmt.Sprintf("inclusion %d", i), verifyFile(file, theirs, verifier)) {
			checked["inclusion"]++
		}
	}
	receipts := must(note.NewVerifier(theirs.ReceiptKey))
	_, err := note.Open(theirs.Receipt, note.VerifierList(receipts))
	if check("receipt", err) {
		checked["receipts"]++
	}
	return checked
}

func verifyFile(file []byte, theirs Theirs, verifier note.Verifier) error {
	var p tlogproof.TLogProof
	if err := p.Unmarshal(file); err != nil {
		return err
	}
	if !bytes.Equal(p.Marshal(), file) {
		return fmt.Errorf("Go writes this proof differently")
	}
	checkpoint, _, _, err := log.ParseCheckpoint(p.Checkpoint, theirs.Origin, verifier)
	if err != nil {
		return err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(theirs.Leaves[p.Index])
	return proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, checkpoint.Size, leaf, hashes(p), checkpoint.Hash)
}

func hashes(p tlogproof.TLogProof) [][]byte {
	var list [][]byte
	for _, h := range p.Hashes {
		list = append(list, h[:])
	}
	return list
}

// produce signs and proves the same leaves with Go.
func produce(theirs Theirs, ours *Ours) {
	signer := must(note.NewSigner(theirs.SignerKey))
	witness := must(fnote.NewSignerForCosignatureV1(theirs.WitnessKey))
	tree := testonly.New(rfc6962.DefaultHasher)
	last := uint64(0)
	for _, leaf := range theirs.Leaves {
		tree.AppendData(leaf)
		size := tree.Size()
		if size%7 != 0 && size != uint64(len(theirs.Leaves)) {
			continue
		}
		text := string(log.Checkpoint{Origin: signer.Name(), Size: size, Hash: tree.Hash()}.Marshal())
		ours.Checkpoints = append(ours.Checkpoints, must(note.Sign(&note.Note{Text: text}, signer)))
		ours.Cosigned = must(note.Sign(&note.Note{Text: text}, signer, witness))
		if last > 0 {
			ours.Consistency = append(ours.Consistency, Consistency{
				Old: last, New: size, OldRoot: tree.HashAt(last), NewRoot: tree.Hash(),
				Proof: must(tree.ConsistencyProof(last, size)),
			})
		}
		last = size
	}
	for i := range theirs.Leaves {
		p := tlogproof.TLogProof{Index: uint64(i), Checkpoint: ours.Cosigned}
		for _, h := range must(tree.InclusionProof(uint64(i), tree.Size())) {
			p.Hashes = append(p.Hashes, [32]byte(h))
		}
		ours.Inclusion = append(ours.Inclusion, p.Marshal())
	}
}
