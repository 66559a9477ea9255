# SPDX-License-Identifier: ISC
# Keys that are in certd, as libssl sees them: for the gate and relay.
worker_libworker_a_SOURCES += \
	worker/tls/chain.c worker/tls/chain.h \
	worker/tls/fibres.c worker/tls/fibres.h \
	worker/tls/key.c worker/tls/key.h \
	worker/tls/provider.c worker/tls/provider.h \
	worker/tls/provider_internal.h \
	worker/tls/provider_keymgmt.c \
	worker/tls/provider_parse.c worker/tls/provider_parse.h \
	worker/tls/provider_signature.c
