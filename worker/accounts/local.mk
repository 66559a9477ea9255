# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/accounts/accounts.c worker/accounts/accounts.h \
	worker/accounts/answers.c worker/accounts/answers.h \
	worker/accounts/author.c worker/accounts/author.h \
	worker/accounts/clients.c worker/accounts/clients.h \
	worker/accounts/external.c \
	worker/accounts/forward.c worker/accounts/forward.h \
	worker/accounts/hash.c worker/accounts/hash.h \
	worker/accounts/inbound.c worker/accounts/inbound.h \
	worker/accounts/load.c worker/accounts/load.h \
	worker/accounts/login.c worker/accounts/login.h \
	worker/accounts/offer.c \
	worker/accounts/password.c \
	worker/accounts/pool.c worker/accounts/pool.h \
	worker/accounts/resolve.c worker/accounts/resolve.h \
	worker/accounts/scram.c \
	worker/accounts/scram_exchange.c worker/accounts/scram_exchange.h \
	worker/accounts/slow.c \
	worker/accounts/srs.c worker/accounts/srs.h \
	worker/accounts/throttle.c worker/accounts/throttle.h
