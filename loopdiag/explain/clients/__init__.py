"""What the clients that people use do with a name and a port: policies as data, predictions as functions."""
