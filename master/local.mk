# SPDX-License-Identifier: ISC
# libmaster.a: all but main(), for the tests.
noinst_LIBRARIES += master/libmaster.a
master_libmaster_a_SOURCES = \
	master/accounts.c \
	master/admit.c master/admit.h \
	master/backoff.c master/backoff.h \
	master/certd.c \
	master/conf.c master/conf.h \
	master/conf_watches.c master/renew.c master/renew.h \
	master/certs.c master/certs.h \
	master/conf_uses.c master/conf_uses.h \
	master/conf_addresses.c master/conf_certs.c \
	master/conf_check.c master/conf_check.h \
	master/conf_clients.c \
	master/conf_defences.c master/conf_milters.c \
	master/conf_keys.c master/conf_keys.h \
	master/conf_listeners.c \
	master/conf_table.c master/conf_table.h \
	master/control.c master/control.h \
	master/gates.c \
	master/generation.c master/generation.h \
	master/mailboxes.c master/mailboxes.h \
	master/master.c master/master.h \
	master/names.c master/names.h \
	master/parked.c master/parked.h \
	master/network.c master/network.h \
	master/notify.c master/notify.h \
	master/process.c master/process.h \
	master/queue.c \
	master/reload.c master/reload.h \
	master/roles.h \
	master/quota.c master/quota.h \
	master/session_attach.c master/session_private.h master/sessions.c master/sessions.h \
	master/sink.c master/sink.h \
	master/slot.c master/slot.h \
	master/srs_file.c master/srs_file.h \
	master/state.c master/state.h \
	master/status.c master/status.h \
	master/stop.c \
	master/trust.c master/trust.h \
	master/trusted_file.c master/trusted_file.h \
	master/conf_relay.c master/conf_route.c \
	master/password_file.c master/password_file.h master/relay.c \
	master/conf_filter.c master/filter.c \
	master/resolvers.c master/resolvers.h \
	master/verify.c \
	master/watch.c master/watch.h \
	master/wiring.c
MASTER_LIBS = master/libmaster.a $(COMMON_LIBS) $(CONFIG_LIBS) $(IDN_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += postern
postern_SOURCES = master/main.c
postern_LDADD = $(MASTER_LIBS)
dist_man_MANS += master/postern.8 master/postern.conf.5
