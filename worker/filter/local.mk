# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/filter/check.c \
	worker/filter/checks.c \
	worker/filter/dkim.c worker/filter/dkim.h \
	worker/filter/dkim_bodies.c worker/filter/dkim_bodies.h \
	worker/filter/dkim_canon.c worker/filter/dkim_canon.h \
	worker/filter/dkim_crypto.c worker/filter/dkim_crypto.h \
	worker/filter/dkim_header.c worker/filter/dkim_header.h \
	worker/filter/dkim_signature.c worker/filter/dkim_signature.h \
	worker/filter/dkim_tags.c worker/filter/dkim_tags.h \
	worker/filter/filter.c worker/filter/filter.h \
	worker/filter/foreign.c \
	worker/filter/message.c worker/filter/message.h \
	worker/filter/message_names.c worker/filter/message_names.h \
	worker/filter/results.c worker/filter/results.h \
	worker/filter/rewrite.c \
	worker/filter/sign.c \
	worker/filter/stage_seven_bit.c \
	worker/filter/stages.c worker/filter/stages.h
posternlibexec_PROGRAMS += postern-filter
postern_filter_SOURCES = worker/filter/main.c
postern_filter_LDADD = worker/libworker.a $(COMMON_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) \
	$(PSL_LIBS) $(IDN_LIBS)
