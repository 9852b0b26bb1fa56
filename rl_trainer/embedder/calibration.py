"""Texts that set the ranges of the int8 model, and others that check it: tool passages and queries of many kinds."""

CALIBRATION = (
    "git_log Shows the commit logs of a repository, newest first. repo_path max_count start_timestamp end_timestamp",
    "read_file Read the complete contents of a file from the file system as UTF-8 text. path head tail",
    "get_forecast Get the weather forecast for a location given by latitude and longitude. latitude longitude days",
    "send_email Sends an e-mail with an optional attachment to one or more recipients. to cc subject body attachments",
    "convert_currency Converts an amount of money with today's exchange rate. amount from_currency to_currency",
    "query Run a read-only SQL query against the connected PostgreSQL database and return the rows as JSON. sql",
    "playwright_click Click an element on the page. selector",
    "create_issue Opens a new issue. owner repo title body labels assignees milestone",
    "search_nearby_restaurants Finds restaurants around a place, filtered by cuisine, price and opening hours. lat lng",
    "kubectl_get Lists pods, deployments, services or other resources of a Kubernetes cluster. resource namespace name",
    "translate_text Translates text between languages. Supports over 100 languages. text source target formality",
    "resize_image Changes the width and height of an image; keeps the aspect ratio if asked. width height keep_aspect",
    "add Adds two numbers. a b",
    "ping",
    "使用必应搜索指定的关键词，并返回搜索结果列表，包括标题、链接和摘要 query num_results",
    "Ruft die aktuellen Abfahrten einer Haltestelle ab. haltestelle anzahl",
    "buscar_vuelos Busca vuelos baratos entre dos ciudades en una fecha. origen destino fecha pasajeros",
    "What is the weather like in Lisbon tomorrow afternoon?",
    "find all TODO comments in my project and list them by author",
    "I want to know who changed this line last and why",
    "book a table for four people on Friday at eight",
    "Plot the revenue of the last twelve months as a bar chart and e-mail it to the board.",
    "how many open pull requests are older than 30 days",
    "Summarise the meeting notes in https://example.org/notes/2024-05-17.md and put the actions into my calendar",
    "delete the S3 bucket logs-eu-west-1 but keep a copy",
    (
        "get_stock_price Retrieves the latest quote of a ticker symbol such as AAPL or MSFT, with volume, open, high, "
        "low, close, market capitalisation and the change since yesterday. Args: symbol (str): the ticker; exchange "
        "(str, optional): NYSE, NASDAQ, XETRA. Returns: dict with price, currency, timestamp. Raises: "
        "ValueError if unknown."
    ),
    (
        'Execute JavaScript in the browser console. Example: {"script": "document.title"}\n\nNOTE: returns undefined '
        "when the page has not loaded; call wait_for_load first. <script> tags are refused; max. 10_000 characters!!!"
    ),
    "0x7fffffff 3.14159 -273.15 1e-9 50% $4.99 #42 @user foo/bar::baz_qux camelCaseName SCREAMING_SNAKE v2.0.1-rc3",
    "The protein folds into a beta barrel; mutations at residue 114 raise its melting temperature by four degrees.",
    "Once the parcel has left the depot, tracking shows every scan until it is delivered or returned to its sender.",
    "Generate a UUID",
    "🎵 play the next song 🎶 and turn the volume down 🔉",
)

CHECKS = (
    "list_directory Get a detailed listing of all files and directories in a path. path",
    "brave_web_search Performs a web search, for general queries, news and articles. query count offset freshness",
    "calculate Evaluates a mathematical expression. expression",
    "get_current_time Get the current time in a time zone. timezone",
    "create_calendar_event Adds an appointment to the user's calendar. title start end attendees location reminder",
    "slack_post_message Post a new message to a Slack channel. channel_id text thread_ts",
    "docker_logs Prints what a container has written, optionally following it. container tail follow since",
    "get_directions Route between two addresses by car, bicycle, transit or on foot. origin destination mode avoid",
    "search_papers Finds papers on arXiv by title, author or abstract and returns their identifiers. query max_results",
    "extract_tables Reads every table of a PDF and returns them as CSV, one per page. file pages password",
    "memory_create_entities Create several new entities in the knowledge graph. entities name entityType observations",
    "get_balance Returns the balance of a wallet in wei. address block_number",
    "查询指定城市的天气预报 city date",
    "Récupère la liste des commandes d'un client. client_id statut page",
    "convert 20 miles to kilometres",
    "Which of my servers uses the most memory right now?",
    "turn off the lights in the kitchen",
    "I need the three cheapest flights from Oslo to Rome next weekend, and a hotel near the station.",
    "show me the diff between the two last releases",
    "what time is it in Tokyo",
    "rename every photo by the date it was taken",
    "Is there a chess opening that answers e4 with c5?",
    (
        "Validate a JSON document against a JSON schema and list each violation with its path, the value that was "
        "found and what would be valid instead. Large documents are streamed. Options: draft (4, 6, 7, 2019-09, "
        "2020-12), strict formats, maximum number of errors, whether $ref may leave the document."
    ),
    "x",
)
