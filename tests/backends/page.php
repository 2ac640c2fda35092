<?php
// php -S 127.0.0.1:PORT page.php, with KAIMEN_TEST_SDK and KAIMEN_TEST_URL in the environment.
require getenv('KAIMEN_TEST_SDK') . '/php/kaimen.php';

// A script that went away in the middle of a check: what it asked is answered to whoever uses the connection next.
if (strtok($_SERVER['REQUEST_URI'], '?') === '/dies') {
    [$host, $port] = explode(':', substr(getenv('KAIMEN_TEST_URL'), strlen('http://')));
    fwrite(pfsockopen("tcp://$host", (int) $port), "GET /verify HTTP/1.1\r\nHost: kaimen\r\nAuthorization: {$_SERVER['HTTP_AUTHORIZATION']}\r\n\r\n");
    exit;
}

$checks = ['/plain' => [], '/optional' => ['optional' => true], '/editor' => ['role' => 'editor']];
$me = Kaimen\check([
    'url' => getenv('KAIMEN_TEST_URL'),
    'key' => getenv('KAIMEN_TEST_KEY') ?: null,
    'ticketHeaders' => ['X-My-Ticket'],
    'check' => $checks[strtok($_SERVER['REQUEST_URI'], '?')],
]);
$identity = $me ? get_object_vars($me) : null;
if ($identity) {
    $identity['external_id'] = $identity['externalId'];
}
$headers = [];
foreach ($_SERVER as $name => $value) {
    if (str_starts_with($name, 'HTTP_')) {
        $headers[strtr(substr($name, 5), '_', '-')] = $value;
    }
}
header('Content-Type: application/json');
echo json_encode(['identity' => $identity, 'headers' => (object) $headers]);
