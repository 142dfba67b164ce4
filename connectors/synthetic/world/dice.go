package world

// roll is a pseudo-random number for block b and a purpose.
func (w *World) roll(b int, what string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(what) {
		h = (h ^ uint64(what[i])) * 1099511628211
	}
	return mix(h ^ mix(w.seed+0x9e3779b97f4a7c15*uint64(b+1)))
}

// pick is a number in [0, n).
func (w *World) pick(b int, what string, n int) int {
	return int(w.roll(b, what) % uint64(n))
}

// chance is true in percent of the blocks.
func (w *World) chance(b int, what string, percent int) bool { return w.pick(b, what, 100) < percent }

// between is a number in [lo, hi].
func (w *World) between(b int, what string, lo, hi int) int { return lo + w.pick(b, what, hi-lo+1) }

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z ^= z >> 30
	z *= 0xbf58476d1ce4e5b9
	z ^= z >> 27
	z *= 0x94d049bb133111eb
	return z ^ z>>31
}

// affine is the permutation x -> a*x+c of [0, n).
type affine struct{ n, a, back, c uint64 }

func (w *World) shuffle(what string, n int) affine {
	f := affine{n: uint64(n)}
	f.c = w.roll(1, what) % f.n
	f.a = f.n/3 + w.roll(2, what)%(f.n/2)
	for gcd(f.a, f.n) != 1 {
		f.a++
	}
	f.a %= f.n
	f.back = inverse(f.a, f.n)
	return f
}

func (f affine) forward(x int) int {
	return int((f.a*uint64(x) + f.c) % f.n)
}

func (f affine) inverse(y int) int {
	return int(f.back * ((uint64(y) + f.n - f.c) % f.n) % f.n)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// inverse returns x with a*x = 1 modulo n.
func inverse(a, n uint64) uint64 {
	r0, r1 := int64(n), int64(a)
	t0, t1 := int64(0), int64(1)
	for r1 != 0 {
		q := r0 / r1
		r0, r1 = r1, r0-q*r1
		t0, t1 = t1, t0-q*t1
	}
	if t0 < 0 {
		t0 += int64(n)
	}
	return uint64(t0)
}
