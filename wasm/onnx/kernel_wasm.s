// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// Go's own vectors (simd/archsimd, an experiment) reach half the speed of
// these: the compiler sends every turn of a loop through the function's jump
// table. Here loops are WebAssembly's own, and no flag is needed.
//
// The assembler drops what V128Store and the lane instructions are told, so
// stores are at offset 0, and no lane is taken out. Of an address, which is in
// bytes, the low half counts.

// LOAD pushes four elements at an offset in bytes.
#define LOAD(P, OFFSET) Get P; I32WrapI64; V128Load $OFFSET

// STORE puts a vector at an address that is a pointer and an offset.
#define STORE(P, OFFSET, V) Get P; I64Const $OFFSET; I64Add; I32WrapI64; Get V; V128Store $0

#define ADVANCE(P, BYTES) Get P; I64Const $BYTES; I64Add; Set P

// AGAIN takes one off a counter and begins the loop again unless none is left.
#define AGAIN(N) Get N; I64Const $1; I64Sub; Tee N; I64Eqz; I32Eqz; BrIf $0

// ROW adds an element of a row, times eight elements in V8 and V9, to two sums.
#define ROW(A, LEFT, RIGHT) \
	Get A; I32WrapI64; F32Load $0; F32x4Splat; Set V10; \
	Get LEFT; Get V8; Get V10; F32x4Mul; F32x4Add; Set LEFT; \
	Get RIGHT; Get V9; Get V10; F32x4Mul; F32x4Add; Set RIGHT; \
	ADVANCE(A, 4)

// NEXT is the row behind another.
#define NEXT(A, B) Get A; Get R5; I64Add; Set B

// LAY stores the sums of a row and goes on to the next.
#define LAY(LEFT, RIGHT) STORE(R0, 0, LEFT); STORE(R0, 16, RIGHT); Get R0; Get R6; I64Add; Set R0

// func tileVectors(dst, a, b *float32, k, count, aStride, dstStride int)
// Strides are in bytes; k and count are above 0.
TEXT ·tileVectors(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD a+8(FP), R1
	MOVD b+16(FP), R2
	MOVD k+24(FP), R3
	MOVD count+32(FP), R4
	MOVD aStride+40(FP), R5
	MOVD dstStride+48(FP), R6
	Loop
		LOAD(R2, 0)
		Tee V0
		Tee V2
		Tee V4
		Set V6
		LOAD(R2, 16)
		Tee V1
		Tee V3
		Tee V5
		Set V7
		Get R1
		Set R8
		NEXT(R8, R9)
		NEXT(R9, R10)
		NEXT(R10, R11)
		NEXT(R11, R1)
		Get R2
		I64Const $32
		I64Add
		Set R12
		Get R3
		Set R13
		Loop
			LOAD(R12, 0)
			Set V8
			LOAD(R12, 16)
			Set V9
			ROW(R8, V0, V1)
			ROW(R9, V2, V3)
			ROW(R10, V4, V5)
			ROW(R11, V6, V7)
			ADVANCE(R12, 32)
			AGAIN(R13)
		End
		LAY(V0, V1)
		LAY(V2, V3)
		LAY(V4, V5)
		LAY(V6, V7)
		AGAIN(R4)
	End
	RET

// STEP is a polynomial's next coefficient: V times X and what the table R2 has.
#define STEP(V, X, OFFSET) Get V; Get X; F32x4Mul; LOAD(R2, OFFSET); F32x4Add; Set V

// func geluVectors(x *float32, n int, table *float32)
// n vectors, above 0. The table: 1/√2, least, greatest, ½, six of P, six of Q.
TEXT ·geluVectors(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	MOVD table+16(FP), R2
	Loop
		LOAD(R0, 0)
		Tee V0
		LOAD(R2, 0)
		F32x4Mul
		LOAD(R2, 16)
		F32x4Max
		LOAD(R2, 32)
		F32x4Min
		Tee V1
		Get V1
		F32x4Mul
		Set V2
		LOAD(R2, 144)
		Set V3
		STEP(V3, V2, 128)
		STEP(V3, V2, 112)
		STEP(V3, V2, 96)
		STEP(V3, V2, 80)
		STEP(V3, V2, 64)
		LOAD(R2, 240)
		Set V4
		STEP(V4, V2, 224)
		STEP(V4, V2, 208)
		STEP(V4, V2, 192)
		STEP(V4, V2, 176)
		STEP(V4, V2, 160)
		Get V1
		Get V3
		F32x4Mul
		Get V4
		F32x4Div
		LOAD(R2, 48)
		F32x4Mul
		LOAD(R2, 48)
		F32x4Add
		Get V0
		F32x4Mul
		Set V0
		STORE(R0, 0, V0)
		ADVANCE(R0, 16)
		AGAIN(R1)
	End
	RET

// func expVectors(dst, src *float32, n int, table, sums *float32, top float32)
// n vectors, above 0; sums get four sums of what dst gets. The table: least, greatest, log₂e, ln 2 in two parts, 1, five coefficients.
TEXT ·expVectors(SB), NOSPLIT, $0-44
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R3
	MOVD n+16(FP), R1
	MOVD table+24(FP), R2
	MOVD sums+32(FP), R4
	F32Load top+40(FP)
	F32x4Splat
	Set V5
	F32Const $(0.0)
	F32x4Splat
	Set V6
	Loop
		LOAD(R3, 0)
		Get V5
		F32x4Sub
		LOAD(R2, 0)
		F32x4Max
		LOAD(R2, 16)
		F32x4Min
		Tee V0
		LOAD(R2, 32)
		F32x4Mul
		F32x4Nearest
		Set V1
		Get V0
		Get V1
		LOAD(R2, 48)
		F32x4Mul
		F32x4Sub
		Get V1
		LOAD(R2, 64)
		F32x4Mul
		F32x4Sub
		Set V0
		LOAD(R2, 160)
		Set V2
		STEP(V2, V0, 144)
		STEP(V2, V0, 128)
		STEP(V2, V0, 112)
		STEP(V2, V0, 96)
		Get V2
		Get V0
		F32x4Mul
		Get V0
		F32x4Mul
		Get V0
		F32x4Add
		LOAD(R2, 80)
		F32x4Add
		// The exponent of a float is a whole number, shifted.
		Get V1
		I32x4TruncSatF32x4S
		I32Const $23
		I32x4Shl
		LOAD(R2, 80)
		I32x4Add
		F32x4Mul
		Tee V0
		Get V6
		F32x4Add
		Set V6
		STORE(R0, 0, V0)
		ADVANCE(R0, 16)
		ADVANCE(R3, 16)
		AGAIN(R1)
	End
	STORE(R4, 0, V6)
	RET

// func topVectors(x *float32, n int, tops *float32)
// n vectors, above 0; tops get the four greatest of each lane.
TEXT ·topVectors(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	MOVD tops+16(FP), R2
	LOAD(R0, 0)
	Set V0
	Loop
		Get V0
		LOAD(R0, 0)
		F32x4Max
		Set V0
		ADVANCE(R0, 16)
		AGAIN(R1)
	End
	STORE(R2, 0, V0)
	RET

// func scaleVectors(x *float32, n int, by float32)
// n vectors, above 0.
TEXT ·scaleVectors(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	F32Load by+16(FP)
	F32x4Splat
	Set V1
	Loop
		LOAD(R0, 0)
		Get V1
		F32x4Mul
		Set V0
		STORE(R0, 0, V0)
		ADVANCE(R0, 16)
		AGAIN(R1)
	End
	RET
