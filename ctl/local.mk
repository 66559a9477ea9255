# SPDX-License-Identifier: ISC
# libctl.a: all but main(), for the tests.
noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_SOURCES = \
	ctl/account.c ctl/account_change.c ctl/account_change.h \
	ctl/alias.c \
	ctl/account_keys.c ctl/account_keys.h \
	ctl/accounts_store.c ctl/accounts_store.h \
	ctl/accounts_text.c ctl/accounts_text.h \
	ctl/cert.h ctl/cert_ask.c ctl/cert_channel.c ctl/cert_create.c \
	ctl/cert_fields.c ctl/cert_fields.h ctl/cert_files.c ctl/cert_request.c \
	ctl/cert_look.c ctl/cert_look.h ctl/cert_list.c ctl/cert_show.c ctl/cert_check.c ctl/cert_audit.c \
	ctl/imap.c ctl/imap.h ctl/imap_responses.c ctl/imap_words.c ctl/imap_words.h \
	ctl/queue.c ctl/queue.h ctl/queue_commands.c ctl/queue_print.c \
	ctl/json.c ctl/json.h ctl/text.c ctl/text.h \
	ctl/dns.c ctl/dns.h ctl/dns_command.h ctl/dns_facts.c ctl/dns_plan.c ctl/dns_print.c \
	ctl/dns_compare.c ctl/dns_compare.h ctl/dns_findings.c ctl/dns_findings.h ctl/lookup.c ctl/lookup.h ctl/dns_check.c \
	ctl/dns_request.c ctl/dns_senders.c ctl/dns_text.c \
	ctl/dkim.c ctl/dkim_found.c ctl/dkim.h \
	ctl/export.c ctl/export.h ctl/export_maildir.c ctl/export_mbox.c \
	ctl/import.c ctl/import.h ctl/import_maildir.c ctl/import_mbox.c \
	ctl/checkup_lines.c ctl/checkup_lines.h ctl/mailbox_check.c ctl/mailbox_copy.c \
	ctl/mailbox_stream.c ctl/mailbox_stream.h \
	ctl/mailbox.c ctl/mailbox.h ctl/mailbox_expire.c ctl/mailbox_export.c \
	ctl/mailbox_import.c ctl/mailbox_list.c \
	ctl/maildir_name.c ctl/maildir_name.h ctl/mbox_text.c ctl/mbox_text.h \
	ctl/message_key.c ctl/message_key.h \
	ctl/command.c ctl/ctl.h ctl/options.c ctl/options.h \
	ctl/connect.c ctl/connect.h \
	ctl/cert_import.c \
	ctl/cert_client.c ctl/cert_clients.c ctl/cert_export.c ctl/output.c ctl/output.h ctl/passphrase.c ctl/passphrase.h \
	ctl/password.c ctl/password.h \
	ctl/secret_line.c ctl/secret_line.h \
	ctl/server.c \
	ctl/settings.c ctl/settings.h
# Of libcertd.a only certd/name.o and certd/subject.o: posternctl links no OpenSSL. Of libworker.a
# only worker/session/imap/utf7.o.
CTL_LIBS = ctl/libctl.a certd/libcertd.a master/libmaster.a worker/libworker.a $(COMMON_LIBS) $(CONFIG_LIBS) $(CRYPT_LIBS) $(NETTLE_LIBS) $(IDN_LIBS)

sbin_PROGRAMS += posternctl
posternctl_SOURCES = ctl/main.c
posternctl_LDADD = $(CTL_LIBS)

dist_man_MANS += ctl/posternctl.8 ctl/postern-certificates.7
