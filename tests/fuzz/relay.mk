# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/fuzz/fuzz_smtp_client
tests_fuzz_fuzz_smtp_client_SOURCES = tests/fuzz/fuzz_smtp_client.c
tests_fuzz_fuzz_smtp_client_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_smtp_client_LDADD = worker/libworker.a $(COMMON_LIBS) $(NETTLE_LIBS)
noinst_PROGRAMS += tests/fuzz/fuzz_dns
tests_fuzz_fuzz_dns_SOURCES = tests/fuzz/fuzz_dns.c
tests_fuzz_fuzz_dns_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_dns_LDADD = worker/libworker.a
noinst_PROGRAMS += tests/fuzz/fuzz_milter
tests_fuzz_fuzz_milter_SOURCES = tests/fuzz/fuzz_milter.c
tests_fuzz_fuzz_milter_LDFLAGS = $(FUZZ_LDFLAGS)
tests_fuzz_fuzz_milter_LDADD = worker/libworker.a $(COMMON_LIBS)
