# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += worker/lookup/lookup.c
posternlibexec_PROGRAMS += postern-lookup
postern_lookup_SOURCES = worker/lookup/main.c
postern_lookup_LDADD = worker/libworker.a $(COMMON_LIBS) $(UNBOUND_LIBS)
