# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/filter/host_names.c worker/filter/host_names.h worker/filter/stage_host.c \
	worker/filter/milter_edit.c worker/filter/milter_edit.h \
	worker/filter/milter_envelope.c worker/filter/milter_envelope.h worker/filter/milter_wishes.c \
	worker/filter/milters.c worker/filter/milters_private.h worker/filter/milter_outcome.c \
	worker/filter/milter_link.c worker/filter/milter_link.h \
	worker/filter/milter_session.c worker/filter/milter_session.h \
	worker/filter/milter_wire.c worker/filter/milter_wire.h
