# SPDX-License-Identifier: ISC
# libcertd.a: all but main(), for the tests.
noinst_LIBRARIES += certd/libcertd.a
certd_libcertd_a_SOURCES = \
	certd/admin.c certd/admin.h certd/admin_internal.h \
	certd/admin_create.c certd/create.c \
	certd/admin_files.c \
	certd/admin_request.c \
	certd/admin_export.c certd/pack.c certd/pack.h \
	certd/admin_look.c certd/chain.c certd/chain.h \
	certd/admin_dkim.c certd/dkim.c certd/dkim.h \
	certd/dkim_compose.c certd/dkim_compose.h certd/dkim_keys.c certd/dkim_keys.h \
	certd/expiry.c certd/expiry.h certd/report.c certd/report.h \
	certd/facts.c certd/facts.h certd/refusals.c certd/refusals.h \
	certd/admin_client.c certd/client_index.c certd/client_index.h \
	certd/authority.c certd/authority.h certd/authority_files.c certd/authority_files.h \
	certd/authority_x509.c certd/authority_x509.h \
	certd/arena.c certd/arena.h \
	certd/ask.c certd/ask.h \
	certd/audit.c certd/audit.h \
	certd/certd.c certd/certd.h certd/sandbox_rules.c \
	certd/compose.c certd/compose.h \
	certd/file.c certd/file.h \
	certd/first.c certd/first.h \
	certd/folder.c certd/folder.h \
	certd/gates.c certd/gates.h certd/gates_internal.h certd/gates_sign.c certd/gates_uses.c \
	certd/custody.c certd/custody.h certd/admin_audit.c \
	certd/journal.c certd/journal.h \
	certd/admin_import.c \
	certd/import_answer.c \
	certd/import_commit.c certd/import_commit.h certd/import_plan.h \
	certd/import_folder.c certd/import_folder.h \
	certd/import_key.c certd/import_name.c certd/import_name.h \
	certd/import_parse.c certd/import_parse.h certd/import_pkcs.c certd/import_pkcs12.c \
	certd/import_set.c certd/import_set.h \
	certd/import_text.c certd/import_text.h \
	certd/importer.c certd/importer.h certd/importer_role.c \
	certd/importer_job.c certd/importer_job.h \
	certd/key.c certd/key.h \
	certd/keygen.c certd/keygen.h \
	certd/memory.c certd/memory.h \
	certd/name.c certd/name.h \
	certd/pair.c certd/pair.h \
	certd/scheme.c certd/scheme.h \
	certd/slots.c certd/slots.h \
	certd/subject.c certd/subject.h \
	certd/tickets.c certd/tickets.h \
	certd/transcript.c certd/transcript.h \
	certd/relays.c certd/relays.h \
	certd/control.c certd/certd_internal.h \
	certd/vault.c certd/vault.h \
	certd/x509.c certd/x509.h certd/x509_fields.c
CERTD_LIBS = certd/libcertd.a $(COMMON_LIBS) $(CRYPTO_LIBS) -lpthread

posternlibexec_PROGRAMS += postern-certd
postern_certd_SOURCES = certd/main.c
postern_certd_LDADD = $(CERTD_LIBS)

dist_man_MANS += certd/postern-certd.8
