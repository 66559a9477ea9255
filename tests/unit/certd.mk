# SPDX-License-Identifier: ISC
CERTD_TEST_SUPPORT = tests/unit/certd_support.c tests/unit/certd_support.h
CERTD_TEST_LIBS = $(CERTD_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_certd_name
tests_unit_test_certd_name_SOURCES = tests/unit/test_certd_name.c
tests_unit_test_certd_name_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_compose
tests_unit_test_certd_compose_SOURCES = tests/unit/test_certd_compose.c
tests_unit_test_certd_compose_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_key
tests_unit_test_certd_key_SOURCES = tests/unit/test_certd_key.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_key_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_vault
tests_unit_test_certd_vault_SOURCES = tests/unit/test_certd_vault.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_vault_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_folder
tests_unit_test_certd_folder_SOURCES = tests/unit/test_certd_folder.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_folder_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_memory
tests_unit_test_certd_memory_SOURCES = tests/unit/test_certd_memory.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_memory_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_gates
tests_unit_test_certd_gates_SOURCES = tests/unit/test_certd_gates.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_gates_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_client
tests_unit_test_certd_client_SOURCES = tests/unit/test_certd_client.c tests/unit/made_transcript.h
tests_unit_test_certd_client_LDADD = certd/libcertd.a $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_certd_relays
tests_unit_test_certd_relays_SOURCES = tests/unit/test_certd_relays.c tests/unit/made_transcript.h \
	$(CERTD_TEST_SUPPORT)
tests_unit_test_certd_relays_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_create
tests_unit_test_certd_create_SOURCES = tests/unit/test_certd_create.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_create_LDADD = $(CERTD_TEST_LIBS)

CERTD_ADMIN_SUPPORT = tests/unit/certd_admin.c tests/unit/certd_admin.h $(CERTD_TEST_SUPPORT)
check_PROGRAMS += tests/unit/test_certd_export
tests_unit_test_certd_export_SOURCES = tests/unit/test_certd_export.c $(CERTD_ADMIN_SUPPORT)
tests_unit_test_certd_export_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_authority
tests_unit_test_authority_SOURCES = tests/unit/test_authority.c $(CERTD_ADMIN_SUPPORT)
tests_unit_test_authority_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_client_index
tests_unit_test_client_index_SOURCES = tests/unit/test_client_index.c
tests_unit_test_client_index_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_handshake
tests_unit_test_certd_handshake_SOURCES = tests/unit/test_certd_handshake.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_handshake_LDADD = $(CERTD_TEST_LIBS) $(SSL_LIBS)

# Runs the program beside it.
check_PROGRAMS += tests/unit/test_certd_process
tests_unit_test_certd_process_SOURCES = tests/unit/test_certd_process.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_process_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_verify
PROOFS_SOURCES = tests/unit/proofs.c tests/unit/proofs.h
tests_unit_test_verify_SOURCES = tests/unit/test_verify.c $(PROOFS_SOURCES)
tests_unit_test_verify_LDADD = $(VERIFY_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_secret_line
tests_unit_test_secret_line_SOURCES = tests/unit/test_secret_line.c
tests_unit_test_secret_line_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_cert_fields
tests_unit_test_cert_fields_SOURCES = tests/unit/test_cert_fields.c
tests_unit_test_cert_fields_LDADD = $(CTL_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_certd_look
tests_unit_test_certd_look_SOURCES = tests/unit/test_certd_look.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_look_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_json tests/unit/test_conf_uses
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
tests_unit_test_conf_uses_SOURCES = tests/unit/test_conf_uses.c
tests_unit_test_conf_uses_LDADD = $(MASTER_LIBS) $(UNIT_LIBS)

# Runs the program beside it.
check_PROGRAMS += tests/unit/test_certd_importer
tests_unit_test_certd_importer_SOURCES = tests/unit/test_certd_importer.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_importer_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_expiry
tests_unit_test_certd_expiry_SOURCES = tests/unit/test_certd_expiry.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_expiry_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_import
tests_unit_test_certd_import_SOURCES = tests/unit/test_certd_import.c $(CERTD_TEST_SUPPORT)
tests_unit_test_certd_import_LDADD = $(CERTD_TEST_LIBS)

check_PROGRAMS += tests/unit/test_certd_custody
tests_unit_test_certd_custody_SOURCES = tests/unit/test_certd_custody.c
tests_unit_test_certd_custody_LDADD = $(CERTD_TEST_LIBS)
check_PROGRAMS += tests/unit/test_maildir_name tests/unit/test_mbox_text tests/unit/test_imap_words
tests_unit_test_maildir_name_SOURCES = tests/unit/test_maildir_name.c
tests_unit_test_maildir_name_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
tests_unit_test_mbox_text_SOURCES = tests/unit/test_mbox_text.c
tests_unit_test_mbox_text_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
tests_unit_test_imap_words_SOURCES = tests/unit/test_imap_words.c
tests_unit_test_imap_words_LDADD = $(CTL_LIBS) $(UNIT_LIBS)
