# SPDX-License-Identifier: ISC
# Benchmarks, one command each; both sides of a comparison in one run.
TLS_BENCH_SOURCES = tests/bench/tls_server.c tests/bench/tls_server.h \
	tests/bench/tls_client.c tests/bench/tls_client.h \
	tests/unit/fake_certd.c tests/unit/fake_certd.h \
	tests/unit/real_certd.c tests/unit/real_certd.h
TLS_BENCH_LIBS = worker/libworker.a $(COMMON_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)

noinst_PROGRAMS += tests/bench/handshakes
tests_bench_handshakes_SOURCES = tests/bench/handshakes.c $(TLS_BENCH_SOURCES)
tests_bench_handshakes_LDADD = $(TLS_BENCH_LIBS)

noinst_PROGRAMS += tests/bench/smtp_load
tests_bench_smtp_load_SOURCES = tests/bench/smtp_load.c
tests_bench_smtp_load_LDADD = $(BSD_LIBS)
noinst_PROGRAMS += tests/bench/tls_memory
tests_bench_tls_memory_SOURCES = tests/bench/tls_memory.c $(TLS_BENCH_SOURCES)
tests_bench_tls_memory_LDADD = $(TLS_BENCH_LIBS)
noinst_PROGRAMS += tests/bench/imap_load
tests_bench_imap_load_SOURCES = tests/bench/imap_load.c
tests_bench_imap_load_LDADD = $(SSL_LIBS) $(CRYPTO_LIBS)
noinst_PROGRAMS += tests/bench/store_scale
tests_bench_store_scale_SOURCES = tests/bench/store_scale.c
tests_bench_store_scale_LDADD = $(WORKER_LIBS)
noinst_PROGRAMS += tests/bench/relay_load
tests_bench_relay_load_SOURCES = tests/bench/relay_load.c tests/bench/scram_client.c tests/bench/scram_client.h
tests_bench_relay_load_LDADD = common/libcommon.a $(SSL_LIBS) $(CRYPTO_LIBS) $(BSD_LIBS) -lpthread
