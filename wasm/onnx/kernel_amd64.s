// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// What kernel_wasm.s does, in the same order and with what every amd64 has, so
// that products are the same to the bit in both.

#define ROW(A, LEFT, RIGHT) \
	MOVSS (A), X10; SHUFPS $0, X10, X10; MOVAPS X10, X11; \
	MULPS X8, X10; MULPS X9, X11; ADDPS X10, LEFT; ADDPS X11, RIGHT; \
	ADDQ $4, A

#define LAY(LEFT, RIGHT) MOVUPS LEFT, (DI); MOVUPS RIGHT, 16(DI); ADDQ R13, DI

// func tileVectors(dst, a, b *float32, k, count, aStride, dstStride int)
TEXT ·tileVectors(SB), NOSPLIT, $0-56
	MOVQ dst+0(FP), DI
	MOVQ a+8(FP), SI
	MOVQ b+16(FP), BX
	MOVQ k+24(FP), DX
	MOVQ count+32(FP), CX
	MOVQ aStride+40(FP), R12
	MOVQ dstStride+48(FP), R13
tile:
	MOVUPS (BX), X0
	MOVUPS 16(BX), X1
	MOVAPS X0, X2
	MOVAPS X1, X3
	MOVAPS X0, X4
	MOVAPS X1, X5
	MOVAPS X0, X6
	MOVAPS X1, X7
	MOVQ SI, R8
	LEAQ (R8)(R12*1), R9
	LEAQ (R9)(R12*1), R10
	LEAQ (R10)(R12*1), R11
	LEAQ (R11)(R12*1), SI
	LEAQ 32(BX), AX
	MOVQ DX, R15
line:
	MOVUPS (AX), X8
	MOVUPS 16(AX), X9
	ROW(R8, X0, X1)
	ROW(R9, X2, X3)
	ROW(R10, X4, X5)
	ROW(R11, X6, X7)
	ADDQ $32, AX
	DECQ R15
	JNZ line
	LAY(X0, X1)
	LAY(X2, X3)
	LAY(X4, X5)
	LAY(X6, X7)
	DECQ CX
	JNZ tile
	RET
