# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/relay/asked.c worker/relay/asked.h \
	worker/relay/body.c worker/relay/body.h \
	worker/relay/client_certificates.c worker/relay/client_certificates.h \
	worker/relay/capabilities.c worker/relay/capabilities.h \
	worker/relay/client.c worker/relay/client.h worker/relay/client_private.h \
	worker/relay/client_mail.c \
	worker/relay/dane.c worker/relay/dane.h worker/relay/dane_record.c \
	worker/relay/dane_question.c worker/relay/dane_question.h \
	worker/relay/security.c worker/relay/security.h \
	worker/relay/connection.c worker/relay/connection.h \
	worker/relay/conversion.c worker/relay/conversion.h \
	worker/relay/envelope.c worker/relay/envelope.h \
	worker/relay/hops.c worker/relay/hops.h \
	worker/relay/http.c worker/relay/http.h \
	worker/relay/job.c worker/relay/job.h worker/relay/job_hosts.c worker/relay/job_private.h \
	worker/relay/relay.c worker/relay/relay.h \
	worker/relay/sts.c worker/relay/sts.h \
	worker/relay/sts_fetch.c worker/relay/sts_fetch.h \
	worker/relay/sts_policy.c worker/relay/sts_policy.h \
	worker/relay/route.c worker/relay/route.h \
	worker/relay/login.c worker/relay/login.h \
	worker/relay/tls_client.c worker/relay/tls_client.h \
	worker/relay/dial.c worker/relay/dial.h \
	worker/relay/pause.c worker/relay/pause.h \
	worker/relay/outgoing.c worker/relay/outgoing.h \
	worker/relay/own.c worker/relay/own.h \
	worker/relay/route_order.c \
	worker/relay/socket_address.c worker/relay/socket_address.h \
	worker/relay/reply.c worker/relay/reply.h \
	worker/relay/result.c worker/relay/result.h \
	worker/relay/table.c worker/relay/table.h \
	worker/relay/tls_optional.c worker/relay/tls_optional.h \
	worker/relay/taken.c worker/relay/taken.h \
	worker/relay/pool.c worker/relay/pool.h
