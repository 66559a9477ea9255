# SPDX-License-Identifier: ISC
# libverify.a: all but main(), for the tests.
noinst_LIBRARIES += verify/libverify.a
verify_libverify_a_SOURCES = \
	verify/check.c verify/check.h \
	verify/proof.c verify/proof.h \
	verify/question.c verify/question.h \
	verify/role.h verify/verify.c \
	verify/trust.c verify/trust.h
VERIFY_LIBS = verify/libverify.a $(COMMON_LIBS) $(CRYPTO_LIBS)

posternlibexec_PROGRAMS += postern-verify
postern_verify_SOURCES = verify/main.c
postern_verify_LDADD = $(VERIFY_LIBS)
