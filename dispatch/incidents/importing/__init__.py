"""批量导入: a table file becomes cases, part by part; what is wrong with a row is named."""
