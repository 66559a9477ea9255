<?php
// SPDX-License-Identifier: ISC
// Roundcube's IMAP library against the server: tests/trials/serve php tests/trials/roundcube.php
// Needs Debian's roundcube-core and php-cli.

error_reporting(E_ALL & ~E_NOTICE & ~E_DEPRECATED & ~E_STRICT);
$library = getenv('ROUNDCUBE') ?: '/usr/share/roundcube/program/lib/Roundcube';
foreach (['INSTALL_PATH' => getenv('TRIAL_FOLDER') . '/', 'RCUBE_INSTALL_PATH' => getenv('TRIAL_FOLDER') . '/',
          'RCUBE_CONFIG_DIR' => getenv('TRIAL_FOLDER') . '/', 'RCUBE_PLUGINS_DIR' => getenv('TRIAL_FOLDER') . '/',
          'RCUBE_LOCALIZATION_DIR' => getenv('TRIAL_FOLDER') . '/', 'RCUBE_TEMP_DIR' => getenv('TRIAL_FOLDER')] as $name => $value) {
    if (!defined($name)) {
        define($name, $value);
    }
}
file_put_contents(getenv('TRIAL_FOLDER') . '/defaults.inc.php', "<?php \$config = ['log_dir' => '.', 'temp_dir' => '.', 'log_driver' => 'stdout',"
    . "'drafts_mbox' => 'Drafts', 'junk_mbox' => 'Junk', 'sent_mbox' => 'Sent', 'trash_mbox' => 'Trash'];\n");
require_once "$library/bootstrap.php";

$passed = $failed = 0;

function is($what, $got, $wanted)
{
    global $passed, $failed;
    if ($got === $wanted) {
        $passed++;
        return;
    }
    $failed++;
    echo "FAILED: $what\n  got    ", json_encode($got), "\n  wanted ", json_encode($wanted), "\n";
}

function yes($what, $got)
{
    is($what, (bool) $got, true);
}

function connect($user)
{
    $imap = new rcube_imap_generic();
    $ssl = ['cafile' => getenv('TRIAL_CA'), 'verify_peer' => true, 'peer_name' => getenv('TRIAL_HOST')];
    yes("login of $user", $imap->connect(getenv('TRIAL_HOST'), $user, getenv('TRIAL_PASSWORD'), [
        'port' => (int) getenv('TRIAL_PORT'), 'ssl_mode' => 'ssl', 'timeout' => 20,
        'socket_options' => ['ssl' => $ssl], 'ident' => ['name' => 'Roundcube trial']]));
    return $imap;
}

function folders($imap)
{
    $found = $imap->listMailboxes('', '*');
    sort($found);
    return $found;
}

function flags_of($imap, $folder, $uid)
{
    $found = array_keys($imap->fetchHeader($folder, $uid, true)->flags);
    sort($found);
    return array_values(array_diff($found, ['RECENT']));
}

function generic_folders($imap)
{
    is('the delimiter', $imap->getHierarchyDelimiter(), '/');
    is('the personal namespace', $imap->getNamespace()['personal'], [['', '/']]);
    is('LIST', folders($imap), ['Archive', 'Drafts', 'INBOX', 'Junk', 'Projects', 'Projects/Garden', 'Sent', 'Trash']);
    is('special use', $imap->listMailboxes('', '*', [], ['SPECIAL-USE']), ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']);
    is('LIST (SUBSCRIBED)', in_array('Projects/Garden', $imap->listSubscribed('', '*')), true);
    $name = rcube_charset::convert('Grüße & Ähren', 'UTF-8', 'UTF7-IMAP');
    yes('CREATE', $imap->createFolder($name));
    yes('CREATE with a special use', $imap->createFolder('Flagged', ['\\Flagged']));
    yes('a folder below', $imap->createFolder("$name/below"));
    yes('RENAME', $imap->renameFolder($name, 'Renamed'));
    yes('the tree went with it', in_array('Renamed/below', folders($imap)));
    yes('SUBSCRIBE', $imap->subscribe('Renamed/below'));
    yes('UNSUBSCRIBE', $imap->unsubscribe('Renamed/below'));
    yes('DELETE below', $imap->deleteFolder('Renamed/below'));
    yes('DELETE', $imap->deleteFolder('Renamed') && $imap->deleteFolder('Flagged'));
    is('LIST again', count(folders($imap)), 8);
}

function generic_messages($imap)
{
    is('STATUS', array_map('intval', $imap->status('INBOX', ['UIDNEXT'])), ['MESSAGES' => 12, 'UIDNEXT' => 13, 'UNSEEN' => 9]);
    is('countMessages', $imap->countMessages('INBOX'), 12);
    is('countUnseen', $imap->countUnseen('INBOX'), 9);
    yes('SELECT', $imap->select('INBOX'));
    is('EXISTS', $imap->data['EXISTS'], 12);
    yes('any keyword is permanent', in_array('\\*', $imap->data['PERMANENTFLAGS']));
    is('UIDNEXT', $imap->data['UIDNEXT'], 13);
    $headers = $imap->fetchHeaders('INBOX', '1:*', true, true, ['Message-ID', 'In-Reply-To']);
    is('headers of all', count($headers), 12);
    is('subject in UTF-8', rcube_mime::decode_header($headers[6]->subject, 'UTF-8'), 'Grüße, こんにちは');
    is('message id', $headers[9]->messageID, '<9@example.net>');
    is('in reply to', $headers[9]->in_reply_to, '8@example.net');
    is('seen', isset($headers[4]->flags['SEEN']), true);
    $structure = $imap->getStructure('INBOX', 4, true);
    is('parts of a mixed mail', array_map(fn ($part) => is_array($part) ? strtolower("$part[0]/$part[1]") : $part,
        array_slice($structure, 0, 3)), ['text/plain', 'application/octet-stream', 'text/plain']);
    is('a part decoded', $imap->handlePartBody('INBOX', 4, true, '2', 'base64'), str_repeat(implode('', array_map('chr', range(0, 255))), 40));
    is('a text part', trim($imap->handlePartBody('INBOX', 4, true, '3', '7bit')), 'a text in a file');
    $mime = $imap->fetchMIMEHeaders('INBOX', 4, ['2', '3']);
    yes('MIME headers of parts', strpos($mime['2'], 'octets.bin') && strpos($mime['3'], 'notes.txt'));
    yes('header of a part', strpos($imap->fetchPartHeader('INBOX', 5, true, '2'), 'message/rfc822'));
    yes('header of a mail in a mail', strpos($imap->fetchMIMEHeaders('INBOX', 5, ['2'], false)['2'], 'With an attachment'));
    is('a part of a mail in a mail', $imap->handlePartBody('INBOX', 5, true, '2.1', '7bit'), "See what is attached.\r\n");
    is('8 bit', $imap->handlePartBody('INBOX', 7, true, '1', '8bit'), "Un caf\xe9.\r\n");
    is('UID2ID', $imap->UID2ID('INBOX', 5), 5);
    is('ID2UID', (int) $imap->ID2UID('INBOX', 5), 5);
}

function generic_search($imap)
{
    is('SORT', $imap->sort('INBOX', 'SUBJECT', '', true)->get()[0], '5');
    is('SORT by date', array_slice($imap->sort('INBOX', 'DATE', 'UID 1:11', true)->get(), 0, 3), ['1', '2', '3']);
    is('SORT of some', $imap->sort('INBOX', 'ARRIVAL', 'SUBJECT Lunch', true)->get(), ['8', '9', '10', '11']);
    is('THREAD=REFERENCES', $imap->thread('INBOX', 'REFERENCES', 'SUBJECT Lunch', true)->get_tree(),
        [8 => [9 => [10 => []], 11 => []]]);
    yes('THREAD=ORDEREDSUBJECT', $imap->thread('INBOX', 'ORDEREDSUBJECT', '', true)->count() >= 9);
    is('SEARCH', $imap->search('INBOX', 'BODY marmalade', true)->get(), ['2']);
    is('SEARCH with a literal', $imap->search('INBOX', "CHARSET UTF-8 SUBJECT {7}\r\nGrüße", true)->get(), ['6']);
    $result = $imap->search('INBOX', 'UNSEEN', true, ['MIN', 'MAX', 'COUNT']);
    is('ESEARCH', [$result->get_parameters('MIN'), $result->get_parameters('MAX'), $result->count()], ['1', '11', 9]);
    is('SEARCH of nothing', $imap->search('INBOX', 'SUBJECT nowhere', true)->count(), 0);
    is('the index by FETCH', $imap->index('INBOX', '1:*', 'SUBJECT', false, false, true)->count(), 12);
}

function generic_changes($imap)
{
    yes('flag', $imap->flag('INBOX', '1:2', 'FLAGGED'));
    is('flagged', flags_of($imap, 'INBOX', 1), ['FLAGGED']);
    yes('unflag', $imap->unflag('INBOX', '1', 'FLAGGED'));
    is('no more', flags_of($imap, 'INBOX', 1), []);
    yes('a keyword', $imap->flag('INBOX', '1', 'FORWARDED'));
    is('it is there', flags_of($imap, 'INBOX', 1), ['FORWARDED']);
    yes('COPY', $imap->copy('1,2', 'INBOX', 'Archive'));
    is('COPYUID', array_slice($imap->data['COPYUID'] ?? [], -1), ['1:2']);
    yes('MOVE', $imap->move('1', 'Archive', 'Trash'));
    is('moved', [$imap->countMessages('Archive'), $imap->countMessages('Trash')], [1, 1]);
    $text = "From: me <alice@example.org>\r\nSubject: draft\r\n\r\nText\r\n";
    $uid = $imap->append('Drafts', $text, ['SEEN', 'DRAFT'], '07-Feb-2025 10:00:00 +0100');
    is('APPENDUID', (string) $uid, '1');
    is('flags of it', flags_of($imap, 'Drafts', 1), ['DRAFT', 'SEEN']);
    is('INTERNALDATE', strtotime($imap->fetchHeader('Drafts', 1, true)->internaldate), strtotime('07-Feb-2025 10:00:00 +0100'));
    file_put_contents(getenv('TRIAL_FOLDER') . '/mail', $text);
    is('from a file', (string) $imap->appendFromFile('Drafts', getenv('TRIAL_FOLDER') . '/mail'), '2');
    is('binary', (string) $imap->append('Drafts', $text, [], null, true), '3');
    yes('deleted', $imap->flag('Drafts', '1:2', 'DELETED'));
    yes('UID EXPUNGE', $imap->expunge('Drafts', '1'));
    is('one went', $imap->countMessages('Drafts'), 2);
    yes('clear a folder', $imap->clearFolder('Drafts'));
    is('none left', $imap->status('Drafts')['MESSAGES'], '0');
    yes('CLOSE', $imap->select('INBOX') && $imap->close());
}

function generic_extensions($imap)
{
    $quota = $imap->getQuota('INBOX');
    yes('GETQUOTAROOT is answered', $quota !== null);
    yes('SETMETADATA', $imap->setMetadata('Archive', ['/private/comment' => "two\r\nlines"]));
    is('GETMETADATA', $imap->getMetadata('Archive', '/private/comment'), ['Archive' => ['/private/comment' => "two\r\nlines"]]);
    yes('deleted', $imap->deleteMetadata('Archive', '/private/comment'));
    is('GETMETADATA of nothing', $imap->getMetadata('Archive', '/private/comment')['Archive']['/private/comment'] ?? null, null);
    yes('of the server', $imap->setMetadata('', ['/private/vendor/trial' => 'x']));
    yes('ACL is not offered', !$imap->getCapability('ACL'));
    is('MYRIGHTS', implode('', $imap->myRights('INBOX')), 'lrswipkxte');
    yes('ID names the server', $imap->data['ID']['name'] ?? $imap->id(['name' => 'x']));
}

function generic_resync($imap)
{
    is('ENABLE', $imap->enable('QRESYNC'), ['QRESYNC']);
    $imap->select('Trash');
    $imap->select('INBOX');
    $known = [$imap->data['UIDVALIDITY'], $imap->data['HIGHESTMODSEQ']];
    $other = connect(getenv('TRIAL_USER'));
    $other->flag('INBOX', '3', 'ANSWERED');
    $other->copy('12', 'INBOX', 'Trash');
    $other->flag('INBOX', '12', 'DELETED');
    $other->expunge('INBOX', '12');
    $other->closeConnection();
    is('CHANGEDSINCE VANISHED', array_keys($imap->fetch('INBOX', '1:*', true, ['FLAGS'], $known[1], true)), [3]);
    yes('VANISHED', $imap->data['VANISHED']);
    $imap->select('Trash');
    $imap->data['QRESYNC'] = [];
    yes('SELECT (QRESYNC)', $imap->select('INBOX', [...$known, '1:12']));
    is('changed', array_keys($imap->data['QRESYNC']), [3]);
    is('vanished', $imap->data['VANISHED'], '12');
    yes('a newer MODSEQ', $imap->data['HIGHESTMODSEQ'] > $known[1]);
    is('flags since', array_keys($imap->fetch('INBOX', '1:*', true, ['FLAGS'], $known[1])), [3]);
}

// What the web pages call.
function high()
{
    $imap = new rcube_imap();
    $imap->set_options(['socket_options' => ['ssl' => ['cafile' => getenv('TRIAL_CA'), 'peer_name' => getenv('TRIAL_HOST')]],
                        'all_headers' => 'In-Reply-To References Message-ID']);
    yes('connect', $imap->connect(getenv('TRIAL_HOST'), getenv('TRIAL_USER'), getenv('TRIAL_PASSWORD'),
        (int) getenv('TRIAL_PORT'), 'ssl'));
    is('special folders', count($imap->get_special_folders(true)), 4);
    yes('list', in_array('Projects/Garden', $imap->list_folders()));
    yes('list of subscribed', in_array('Projects/Garden', $imap->list_folders_subscribed()));
    $imap->set_folder('INBOX');
    is('count', $imap->count('INBOX', 'ALL'), 11);
    $imap->set_pagesize(5);
    is('a page, newest first', array_map(fn ($mail) => (int) $mail->uid, array_values($imap->list_messages('INBOX', 1, 'date', 'DESC'))), [11, 10, 9, 8, 7]);
    is('a page by subject', (int) array_values($imap->list_messages('INBOX', 1, 'subject', 'ASC'))[0]->uid, 5);
    $imap->set_threading('REFERENCES');
    is('threads', $imap->threads('INBOX')->count(), 8);
    $imap->set_threading(false);
    $imap->search('INBOX', 'HEADER SUBJECT lunch', 'UTF-8', 'date');
    is('search', $imap->get_search_set()[1]->get(), ['8', '9', '10', '11']);
    $imap->set_search_set(null);
    $mail = $imap->get_message(5, 'INBOX');
    is('structure of a mail in a mail', $mail->structure->parts[1]->mimetype, 'message/rfc822');
    is('a name of a part', $imap->get_message(4, 'INBOX')->structure->parts[1]->filename, 'octets.bin');
    is('a part', trim($imap->get_message_part(6, 1)), 'Übermäßig schöne Äpfel. こんにちは');
    yes('raw body', strpos($imap->get_raw_body(1), 'rhubarb'));
    yes('flag', $imap->set_flag([1, 2], 'FLAGGED', 'INBOX'));
    yes('move', $imap->move_message([1], 'Archive', 'INBOX'));
    yes('copy', $imap->copy_message([2], 'Archive', 'INBOX'));
    yes('delete', $imap->delete_message([2], 'INBOX'));
    is('what is left', $imap->count('INBOX', 'ALL', true), 9);
    yes('folder data', $imap->folder_data('INBOX')['UIDNEXT'] >= 13);
    yes('new folder', $imap->create_folder('Later', true));
    yes('renamed', $imap->rename_folder('Later', 'Sooner'));
    yes('exists', $imap->folder_exists('Sooner', true));
    yes('deleted', $imap->delete_folder('Sooner'));
    is('quota is answered', is_array($imap->get_quota('INBOX')), true);
    yes('size of a folder', $imap->folder_size('INBOX') > 10000);
    $imap->close();
}

$imap = connect(getenv('TRIAL_USER'));
generic_folders($imap);
generic_messages($imap);
generic_search($imap);
generic_changes($imap);
generic_extensions($imap);
generic_resync($imap);
$imap->closeConnection();
high();
echo "rcube_imap_generic of Roundcube ", defined('RCUBE_VERSION') ? RCUBE_VERSION : '?', ": $passed passed, $failed failed\n";
exit($failed ? 1 : 0);
