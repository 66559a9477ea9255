# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/gate/tls.c worker/gate/tls.h \
	worker/gate/tls_binding.c \
	worker/gate/tls_certificate.c \
	worker/gate/tls_choice.c \
	worker/gate/tls_channel.c \
	worker/gate/tls_clients.c \
	worker/gate/tls_context.c \
	worker/gate/tls_hello.c \
	worker/gate/tls_internal.h \
	worker/gate/tls_names.c worker/gate/tls_names.h \
	worker/gate/tls_settings.c
