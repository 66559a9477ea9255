# SPDX-License-Identifier: ISC
# libworker.a: all but main(), for the tests. Each role's folder adds its own.
noinst_LIBRARIES += worker/libworker.a
worker_libworker_a_SOURCES = worker/roles.c worker/roles.h
posternlibexec_PROGRAMS += postern-worker
postern_worker_SOURCES = worker/main.c
postern_worker_LDADD = $(WORKER_LIBS)
posternlibexec_PROGRAMS += postern-gate
postern_gate_SOURCES = worker/gate/main.c
postern_gate_LDADD = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(IDN_LIBS)
posternlibexec_PROGRAMS += postern-relay
postern_relay_SOURCES = worker/relay/main.c
postern_relay_LDADD = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNBOUND_LIBS) \
	$(NETTLE_LIBS)
# No TLS in them: a session process pays for no library it never calls.
WORKER_LIBS = worker/libworker.a $(COMMON_LIBS) $(SQLITE_LIBS) $(CONFIG_LIBS) $(CRYPT_LIBS) $(IDN_LIBS) $(NETTLE_LIBS) $(ZLIB_LIBS) \
	$(UNISTRING_LIBS) -lpthread

include worker/gate/local.mk
include worker/gate/tls.mk
include worker/tls/local.mk
include worker/gate/smtp/local.mk
include worker/accounts/local.mk
include worker/session/local.mk
include worker/queue/local.mk
include worker/dns/local.mk
include worker/lookup/local.mk
include worker/filter/milter.mk
include worker/relay/local.mk
include worker/filter/auth.mk
include worker/filter/local.mk
