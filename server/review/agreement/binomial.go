// SPDX-License-Identifier: Apache-2.0

package agreement

import (
	"math"
	"math/rand/v2"
)

// normalFrom is the variance from which the normal distribution stands in for
// the binomial one.
const normalFrom = 30

// binomial draws how many of n trials succeed with probability p.
func binomial(random *rand.Rand, n int, p float64) int {
	if n <= 0 || p <= 0 {
		return 0
	}
	if p >= 1 {
		return n
	}
	if p > 0.5 {
		return n - binomial(random, n, 1-p)
	}
	mean := float64(n) * p
	if deviation := math.Sqrt(mean * (1 - p)); deviation*deviation >= normalFrom {
		return min(n, max(0, int(math.Round(mean+deviation*random.NormFloat64()))))
	}
	// Inversion: walk up the distribution until it passes a uniform draw.
	u, odds := random.Float64(), p/(1-p)
	chance := math.Pow(1-p, float64(n))
	k := 0
	for u > chance && k < n {
		u -= chance
		k++
		chance *= odds * float64(n-k+1) / float64(k)
	}
	return k
}
