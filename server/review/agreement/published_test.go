// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// table turns a contingency table of reviewers A (rows) and B into judgements.
func table(counts [][]int) []Judgement {
	var js []Judgement
	for i, row := range counts {
		for j, n := range row {
			for range n {
				item := fmt.Sprint("i", len(js))
				js = append(js,
					Judgement{Item: item, Reviewer: "A", Verdict: fmt.Sprint(i)},
					Judgement{Item: item, Reviewer: "B", Verdict: fmt.Sprint(j)})
			}
		}
	}
	return js
}

// matrix reads one line a reviewer, one word an item, "." for a missing verdict.
func matrix(lines ...string) []Judgement {
	var js []Judgement
	for r, line := range lines {
		for i, v := range strings.Fields(line) {
			if v == "." {
				v = ""
			}
			js = append(js, Judgement{Item: fmt.Sprintf("i%03d", i), Reviewer: fmt.Sprint("r", r), Verdict: v})
		}
	}
	return js
}

func near(t *testing.T, what string, got *float64, want, within float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s is undefined, want %v", what, want)
	} else if math.Abs(*got-want) > within {
		t.Errorf("%s = %.5f, want %v", what, *got, want)
	}
}

func nearInterval(t *testing.T, what string, got *Interval, low, high, within float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s has no interval, want %v to %v", what, low, high)
		return
	}
	near(t, what+" low", &got.Low, low, within)
	near(t, what+" high", &got.High, high, within)
}

// Cohen, J. (1960): A coefficient of agreement for nominal scales. Educational
// and Psychological Measurement 20, 37–46. Table 2, N = 200: p_o .70, p_c .41, κ .492.
func TestCohenMatchesCohen1960(t *testing.T) {
	c := Cohen(table([][]int{{88, 14, 18}, {10, 40, 10}, {2, 6, 12}}), "A", "B")
	near(t, "κ", c.Value, .492, .0005)
	near(t, "observed", &c.Observed, .70, 1e-9)
	near(t, "expected", &c.Expected, .41, 1e-9)
}

// The example of SAS PROC FREQ, AGREE option, whose asymptotic standard error is
// that of Fleiss, Cohen & Everitt (1969), Psychological Bulletin 72, 323–327:
// κ .4842, ASE .1380, 95 % limits .2137 and .7547.
func TestCohenIntervalMatchesSAS(t *testing.T) {
	c := Cohen(table([][]int{{0, 4, 1}, {0, 8, 0}, {0, 1, 5}}), "A", "B")
	near(t, "κ", c.Value, .4842, .00005)
	nearInterval(t, "κ", c.Interval, .2137, .7547, .00005)
}

// Gwet, K. (2014): Handbook of Inter-Rater Reliability, 4th ed.; the abstractors'
// table also stands in the vignette of his R package irrCAC: κ .7964, (.680, .913).
func TestCohenMatchesGwet2014(t *testing.T) {
	c := Cohen(table([][]int{{13, 0, 0}, {0, 20, 7}, {0, 4, 56}}), "A", "B")
	near(t, "κ", c.Value, .7964094, 1e-7)
	nearInterval(t, "κ", c.Interval, .680, .913, .003) // he uses Student's t and n - 1
}

// Fleiss, J. L. (1971): Measuring nominal scale agreement among many raters.
// Psychological Bulletin 76, 378–382: 30 psychiatric patients, six raters each,
// five diagnoses, κ .430.
func TestFleissMatchesFleiss1971(t *testing.T) {
	patients := strings.Fields(`444444 222555 233335 555555 222444 113333 333355 113334 114444 555555
		144444 124444 222333 144444 224445 333335 111455 111112 224444 133555
		555555 244444 224555 114444 144445 222224 111155 224444 133333 555555`)
	var js []Judgement
	for i, p := range patients {
		for r, v := range p {
			js = append(js, Judgement{Item: fmt.Sprint(i), Reviewer: fmt.Sprint(r), Verdict: string(v)})
		}
	}
	c := Fleiss(js)
	near(t, "κ", c.Value, .4302445, 1e-7) // to seven digits as R's irr prints it
	near(t, "observed", &c.Observed, .555555, 1e-5)
	near(t, "expected", &c.Expected, .220, .0005)
	if c.Items != 30 || c.Verdicts != 180 || c.Raters != 6 {
		t.Errorf("counted %d items, %d verdicts, %d raters", c.Items, c.Verdicts, c.Raters)
	}
	if c.Interval == nil || c.Interval.Low < .3 || c.Interval.High > .56 || c.Interval.Low >= *c.Value || c.Interval.High <= *c.Value {
		t.Errorf("interval %+v", c.Interval)
	}
}

// Krippendorff's third example below is also Gwet's (2014) four raters with
// missing ratings: Fleiss' κ .76117, standard error .15302, 95 % (.424, 1).
func TestFleissIntervalMatchesGwet2014(t *testing.T) {
	c := Fleiss(matrix(fourObservers...))
	near(t, "κ", c.Value, .76117, .00001)
	nearInterval(t, "κ", c.Interval, .424, 1, .0005)
}

// Krippendorff, K. (2011): Computing Krippendorff's alpha-reliability. Annenberg
// School for Communication, sections A (binary, α .095), B (nominal, two
// observers, α .692) and C (nominal, four observers, missing data, α .743).
func TestAlphaMatchesKrippendorff2011(t *testing.T) {
	near(t, "A", Alpha(matrix(
		"0 1 0 0 0 0 0 0 1 0",
		"1 1 1 0 0 1 0 0 0 0")).Value, .095, .0005)
	near(t, "B", Alpha(matrix(
		"a a b b d c c c e d d a",
		"b a b b b c c c e d d d")).Value, .692, .0005)
	c := Alpha(matrix(fourObservers...))
	near(t, "C", c.Value, .743, .0005)
	near(t, "C to five digits, irrCAC", c.Value, .74342, .00001)
	if c.Items != 11 || c.Verdicts != 40 || c.Raters != 4 {
		t.Errorf("counted %d items, %d verdicts, %d raters; the paper pairs 40 values", c.Items, c.Verdicts, c.Raters)
	}
	if c.Interval == nil || c.Interval.Low < .3 || c.Interval.Low > .6 || c.Interval.High < .9 {
		t.Errorf("interval %+v; Gwet's analytic one is .419 to 1", c.Interval)
	}
}

var fourObservers = []string{
	"1 2 3 3 2 1 4 1 2 . . .",
	"1 2 3 3 2 2 4 1 2 5 . 3",
	". 3 3 3 2 3 4 2 2 5 1 .",
	"1 2 3 3 2 4 4 1 2 5 1 .",
}

// Student's distribution, from any printed table.
func TestStudentQuantiles(t *testing.T) {
	for degrees, want := range map[int]float64{1: 12.706, 2: 4.303, 10: 2.228, 11: 2.201, 12: 2.179, 20: 2.086, 30: 2.042, 120: 1.980, 1 << 30: 1.960} {
		got := student975(degrees)
		near(t, fmt.Sprint("t of ", degrees), &got, want, .0006)
	}
}
