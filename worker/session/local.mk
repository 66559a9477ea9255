# SPDX-License-Identifier: ISC
worker_libworker_a_SOURCES += \
	worker/session/checkup.c worker/session/checkup.h \
	worker/session/clients.c \
	worker/session/life.c \
	worker/session/ranges.c worker/session/ranges.h \
	worker/session/session_private.h \
	worker/session/deliver.c worker/session/deliver.h \
	worker/session/discard.c worker/session/discard.h \
	worker/session/indexing.c worker/session/indexing.h \
	worker/session/imap/adopt.c \
	worker/session/imap/any.c \
	worker/session/imap/append.c \
	worker/session/imap/arena.c \
	worker/session/imap/arena.h \
	worker/session/imap/catenate.c worker/session/imap/catenate.h \
	worker/session/imap/change.c \
	worker/session/imap/command.h \
	worker/session/imap/commands.c worker/session/imap/commands.h \
	worker/session/imap/context.c worker/session/imap/context.h \
	worker/session/imap/content.c worker/session/imap/content.h \
	worker/session/imap/engine.c \
	worker/session/imap/fetch.c worker/session/imap/fetch.h \
	worker/session/imap/fetch_item.c \
	worker/session/imap/filter.c worker/session/imap/filter.h \
	worker/session/imap/fetch_section.c \
	worker/session/imap/folders.c worker/session/imap/folders.h \
	worker/session/imap/imap.h worker/session/imap/imap_private.h \
	worker/session/imap/input.c \
	worker/session/imap/lex.c \
	worker/session/imap/lex.h \
	worker/session/imap/lex_date.c \
	worker/session/imap/lex_flags.c \
	worker/session/imap/lex_name.c \
	worker/session/imap/lex_number.c \
	worker/session/imap/lex_search.c \
	worker/session/imap/lex_section.c \
	worker/session/imap/lex_string.c \
	worker/session/imap/limits.c \
	worker/session/imap/list.c \
	worker/session/imap/mailbox.c \
	worker/session/imap/match.c worker/session/imap/match.h \
	worker/session/imap/metadata.c \
	worker/session/imap/notify.c worker/session/imap/notify.h \
	worker/session/imap/notify_command.c worker/session/imap/notify_private.h \
	worker/session/imap/notify_folders.c \
	worker/session/imap/output.c \
	worker/session/imap/park.c \
	worker/session/imap/parse.c \
	worker/session/imap/parse.h \
	worker/session/imap/parse_account.c \
	worker/session/imap/parse_append.c \
	worker/session/imap/parse_fetch.c \
	worker/session/imap/parse_folder.c \
	worker/session/imap/parse_line.c \
	worker/session/imap/parse_list.c \
	worker/session/imap/parser.h \
	worker/session/imap/parse_notify.c \
	worker/session/imap/parse_private.h \
	worker/session/imap/parse_search.c \
	worker/session/imap/parse_store.c \
	worker/session/imap/parse_table.c \
	worker/session/imap/quota.c \
	worker/session/imap/search.c worker/session/imap/search.h \
	worker/session/imap/search_answer.c worker/session/imap/search_command.c \
	worker/session/imap/search_sources.c \
	worker/session/imap/search_keep.c worker/session/imap/search_task.h \
	worker/session/imap/search_match.c worker/session/imap/search_private.h \
	worker/session/imap/select.c \
	worker/session/imap/sort.c worker/session/imap/sort.h \
	worker/session/imap/status.c \
	worker/session/imap/stream.c worker/session/imap/stream.h \
	worker/session/imap/sync.c \
	worker/session/imap/thread.c worker/session/imap/thread.h \
	worker/session/imap/thread_references.c worker/session/imap/thread_private.h \
	worker/session/imap/unasked.c worker/session/imap/unasked.h \
	worker/session/imap/utf7.c \
	worker/session/imap/utf7.h \
	worker/session/imap/view.c worker/session/imap/view.h \
	worker/session/pop3/command.c worker/session/pop3/command.h \
	worker/session/pop3/commands.c \
	worker/session/pop3/engine.c \
	worker/session/pop3/maildrop.c worker/session/pop3/maildrop.h \
	worker/session/pop3/pop3.h worker/session/pop3/pop3_private.h \
	worker/session/session.c \
	worker/session/tag.c worker/session/tag.h \
	worker/session/store.h worker/session/store_check.h \
	worker/session/store/account.c worker/session/store/account.h \
	worker/session/store/adopt.c \
	worker/session/store/append.c \
	worker/session/store/change.c worker/session/store/change.h \
	worker/session/store/check.c worker/session/store/check.h \
	worker/session/store/check_files.c \
	worker/session/store/check_rebuild.c \
	worker/session/store/copy.c \
	worker/session/store/deliver.c \
	worker/session/store/expunge.c \
	worker/session/store/first_login.c \
	worker/session/store/flags.c \
	worker/session/store/folder_change.c worker/session/store/folder_change.h \
	worker/session/store/folder_name.c worker/session/store/folder_name.h \
	worker/session/store/folders.c \
	worker/session/store/insert.c worker/session/store/insert.h \
	worker/session/store/keywords.c worker/session/store/keywords.h \
	worker/session/store/message_file.c worker/session/store/message_file.h \
	worker/session/store/metadata.c \
	worker/session/store/placements.c worker/session/store/placements.h \
	worker/session/store/read.c \
	worker/session/store/recover.c worker/session/store/recover.h \
	worker/session/store/remove.c worker/session/store/remove.h \
	worker/session/store/scan.c \
	worker/session/store/schema.c worker/session/store/schema.h \
	worker/session/store/search.c worker/session/store/search.h \
	worker/session/store/search_index.c \
	worker/session/store/search_open.c \
	worker/session/store/sql.c worker/session/store/sql.h \
	worker/session/store/store.c worker/session/store/store_private.h \
	worker/session/store/summary.c worker/session/store/summary.h \
	worker/session/store/transaction.c \
	worker/session/store/uid_runs.c worker/session/store/uid_runs.h \
	worker/session/store/uids.c
dist_man_MANS += worker/session/imap/postern-imap.7
