# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/filter/milter_session.c worker/filter/milter_session.h \
	worker/filter/milter_wire.c worker/filter/milter_wire.h
