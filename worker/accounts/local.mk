# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/accounts/accounts.c worker/accounts/accounts.h \
	worker/accounts/hasher.c worker/accounts/hasher.h \
	worker/accounts/login.c \
	worker/accounts/resolve.c worker/accounts/resolve.h \
	worker/accounts/throttle.c worker/accounts/throttle.h
