# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/dns/dns.c worker/dns/dns.h \
	worker/dns/resolver.c worker/dns/resolver.h \
	worker/dns/sandbox_rules.c worker/dns/sandbox_rules.h
