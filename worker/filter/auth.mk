# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/filter/arc.c worker/filter/arc.h worker/filter/stage_arc.c \
	worker/filter/act.c worker/filter/act.h \
	worker/filter/stage_spf.c worker/filter/stage_dmarc.c \
	worker/filter/dmarc.c worker/filter/dmarc.h \
	worker/filter/dmarc_record.c worker/filter/dmarc_record.h \
	worker/filter/suffix.c worker/filter/suffix.h \
	worker/filter/spf.c worker/filter/spf.h worker/filter/spf_state.h \
	worker/filter/spf_macro.c worker/filter/spf_macro.h \
	worker/filter/spf_answers.c worker/filter/spf_terms.c \
	worker/filter/spf_record.c worker/filter/spf_record.h
