// SPDX-License-Identifier: Apache-2.0

// Command accept says whether a folder holds a classifier that can take the
// place of the one in wasm/model, and otherwise what is wrong with it:
//
//	go run ./wasm/classify/accept DIR
//
// ./build.sh build does so before it puts HAECHI_MODEL into the packages.
package main

import (
	"fmt"
	"os"

	"haechi/wasm/classify"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "accept: which folder? It must hold model.onnx, tokenizer.json and config.json")
		os.Exit(2)
	}
	c, err := classify.Load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "accept:", err)
		os.Exit(1)
	}
	defer c.Close()
	fmt.Printf("%s: the classifier %s\n", os.Args[1], c.Model().ID)
}
