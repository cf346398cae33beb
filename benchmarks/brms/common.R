# What weights.R and regressions.R share: options, and where a study folder keeps what.

suppressPackageStartupMessages({
  library(brms)
  library(jsonlite)
})

# brms prints its progress on stdout, where only the JSON result may go.
sink(stderr(), type = "output")

print_json <- function(result) {
  sink(type = "output")
  cat(toJSON(result, auto_unbox = TRUE, digits = 6, null = "null"), "\n", sep = "")
}

# Options are pairs: --name value. `defaults` says which exist and of what type; NA means needed.
read_options <- function(defaults) {
  given <- commandArgs(trailingOnly = TRUE)
  if (length(given) %% 2 != 0) stop("options come in pairs: --name value", call. = FALSE)
  options <- defaults
  for (i in seq(1, by = 2, length.out = length(given) / 2)) {
    name <- sub("^--", "", given[i])
    if (!name %in% names(defaults)) stop("unknown option ", given[i], call. = FALSE)
    value <- given[i + 1]
    options[[name]] <- if (is.numeric(defaults[[name]])) as.numeric(value) else value
  }
  lacking <- names(options)[vapply(options, function(x) is.character(x) && is.na(x), logical(1))]
  if (length(lacking)) stop("needed: --", paste(lacking, collapse = ", --"), call. = FALSE)
  options
}

read_table <- function(file) {
  if (!file.exists(file) || file.size(file) == 0) return(NULL)
  table <- read.csv(file, stringsAsFactors = FALSE)
  if (nrow(table) == 0) NULL else table
}

# A base model is whatever stands before "_instilled_selections.csv" or its native counterpart.
base_models <- function(folder) {
  files <- list.files(folder, pattern = "_instilled(_latent)?_selections[.]csv$")
  sort(unique(sub("_instilled(_latent)?_selections[.]csv$", "", files)))
}

choices_file <- function(folder, base, set) {
  middle <- if (set == "native") "_instilled_latent_selections.csv" else "_instilled_selections.csv"
  file.path(folder, paste0(base, middle))
}

seconds_since <- function(start) as.numeric(proc.time()[["elapsed"]] - start)

versions <- function() {
  list(
    R = as.character(getRversion()),
    brms = as.character(packageVersion("brms")),
    rstan = as.character(packageVersion("rstan"))
  )
}
