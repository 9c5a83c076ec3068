// SPDX-License-Identifier: Apache-2.0

//go:build race

package main

// raceDetector says that everything takes ten times as long: scripts that judge
// a whole corpus are run without it (see build.sh).
const raceDetector = true
