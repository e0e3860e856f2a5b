// Checks an exported audit log and a receipt with Go's own packages for signed notes and transparency logs.
// It shares no code with Countenance. Arguments: the export's folder, a file with the log's public key, the receipt's
// entry, the receipt's proof, and an older checkpoint. It prints one word a line for each thing that holds.
package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	must(err)
	return data
}

func hash(text string) (h tlog.Hash) {
	data, err := base64.StdEncoding.DecodeString(text)
	must(err)
	if copy(h[:], data) != tlog.HashSize || len(data) != tlog.HashSize {
		must(fmt.Errorf("a hash of %d bytes", len(data)))
	}
	return h
}

func open(signed []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(signed, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	return tlog.Tree{N: size, Hash: hash(lines[2])}
}

type folder struct{ path string }

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var contents [][]byte
	for _, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.path, name))
		if err != nil {
			return nil, err
		}
		contents = append(contents, data)
	}
	return contents, nil
}

func main() {
	export, entry := os.Args[1], read(os.Args[3])
	verifier, err := note.NewVerifier(strings.TrimSpace(string(read(os.Args[2]))))
	must(err)

	head, signed, _ := bytes.Cut(read(os.Args[4]), []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		proof = append(proof, hash(line))
	}
	then := open(signed, verifier)
	must(tlog.CheckRecord(proof, then.N, then.Hash, index, tlog.RecordHash(entry)))
	fmt.Println("receipt")

	changed := append([]byte{}, entry...)
	changed[3] ^= 1
	if tlog.CheckRecord(proof, then.N, then.Hash, index, tlog.RecordHash(changed)) == nil {
		must(fmt.Errorf("a changed entry was taken"))
	}
	fmt.Println("changed-entry-refused")

	now := open(read(filepath.Join(export, "checkpoint")), verifier)
	tiles := tlog.TileHashReader(now, folder{export})
	same, err := tlog.ProveRecord(now.N, index, tiles)
	must(err)
	must(tlog.CheckRecord(same, now.N, now.Hash, index, tlog.RecordHash(entry)))
	fmt.Println("record-in-tiles")

	old := open(read(os.Args[5]), verifier)
	grown, err := tlog.ProveTree(now.N, old.N, tiles)
	must(err)
	must(tlog.CheckTree(grown, now.N, now.Hash, old.N, old.Hash))
	fmt.Println("growth-in-tiles")
}
